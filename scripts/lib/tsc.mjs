import { join } from 'node:path'
import { kept } from './installs.mjs'
import { ROOT } from './project.mjs'
import { run } from './run.mjs'
import { TYPESCRIPT_5 } from './versions.mjs'

/** The compilers that users have: the version in this repository, and the last release of TypeScript 5. */
export const COMPILERS = {
  'TypeScript 7': join(ROOT, 'node_modules/typescript/bin/tsc'),
  'TypeScript 5.9': join(await kept([TYPESCRIPT_5]), 'node_modules/typescript/bin/tsc'),
}

/**
 * Type-checks a folder that has a tsconfig.json.
 * @returns {Promise<{ code: number | null, errors: string[], out: string }>} `errors` as `file:line TScode`, in order
 */
export async function typeCheck(compiler, folder, flags = []) {
  const { code, out, err } = await run(process.execPath, [compiler, '--pretty', 'false', '-p', '.', ...flags], {
    cwd: folder,
  })
  const errors = [...out.matchAll(/^(.+?)\((\d+),\d+\): error (TS\d+)/gm)].map(
    ([, file, line, number]) => `${file}:${line} ${number}`,
  )
  return { code, errors, out: out + err }
}
