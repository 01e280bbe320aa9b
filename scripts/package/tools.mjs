import { equal } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kept } from '../lib/installs.mjs'
import { Project } from '../lib/project.mjs'
import { run, tail } from '../lib/run.mjs'
import { ATTW, ESBUILD, PUBLINT } from '../lib/versions.mjs'

async function tool(spec, bin, args) {
  const folder = await kept([spec])
  const { code, out, err } = await run(process.execPath, [join(folder, 'node_modules', bin), ...args])
  equal(code, 0, tail(out + err))
  return spec
}

/** Checks how npm and bundlers read package.json. */
export function publint(tarball) {
  return tool(PUBLINT, 'publint/src/cli.js', ['run', tarball, '--strict'])
}

/** Checks that the types of each entry resolve and match the code, for ES modules and CommonJS. */
export function attw(tarball) {
  return tool(ATTW, '@arethetypeswrong/cli/dist/index.js', [tarball, '--profile', 'strict'])
}

/** Bundles the package as a user would: one file without node_modules must give the same result, in both module systems. */
export async function bundle(project) {
  const folder = await kept([ESBUILD])
  const esbuild = join(folder, 'node_modules/esbuild/bin/esbuild')
  const build = async (source, out, ...flags) => {
    project.write(source[0], source[1])
    const args = [
      esbuild,
      source[0],
      '--bundle',
      '--platform=node',
      `--outfile=bundled/${out}`,
      '--minify-syntax',
      ...flags,
    ]
    const result = await run(process.execPath, args, { cwd: project.root })
    equal(result.code, 0, tail(result.err))
    return readFileSync(project.path('bundled', out), 'utf8')
  }
  const gate = `
    import { compareDumps } from 'golden-logits'
    const { pass, firstFailure } = compareDumps('../dumps/npu-degraded', '../dumps/gpu', { dtype: 'bf16', threads: 2 })
    if (pass || firstFailure.step !== 3) throw new Error('the bundle reports token ' + firstFailure?.step)
    console.log('token 3')`
  const sizes = []
  // In a folder without node_modules: a complete bundle needs none.
  const away = new Project()
  try {
    away.copy('examples/dumps', 'dumps')
    for (const [format, out] of [
      ['esm', 'gate.mjs'],
      ['cjs', 'gate.cjs'],
    ]) {
      const text = await build(['gate.js', gate], out, `--format=${format}`)
      sizes.push(`${Math.round(text.length / 1024)} KiB of ${format}`)
      away.write(`run/${out}`, text)
      const { code, out: printed, err } = await away.node([out], { folder: 'run' })
      equal(printed.trim(), 'token 3', tail(err))
      equal(code, 0)
    }
  } finally {
    away.remove()
  }
  // `sideEffects` in package.json lists only the entries that register matchers.
  const vitest = await build(
    ['side.js', `import 'golden-logits/vitest'`],
    'side.mjs',
    '--format=esm',
    '--external:vitest',
  )
  equal(/\.extend\(/.test(vitest), true, 'a bundler drops the entry that registers the matchers')
  const unused = await build(['unused.js', `import 'golden-logits'`], 'unused.mjs', '--format=esm')
  equal(/compareDumps/.test(unused), false, 'a bundler keeps unused code')
  return sizes.join(', ')
}
