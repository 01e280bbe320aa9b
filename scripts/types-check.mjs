// `npm run release:check -- types` checks the types of the packed package as a user's compiler sees them. Each folder of
// test/types is a user's project. It must compile. Without its `@ts-expect-error` comments it must fail at exactly the lines
// below them, with the errors they name: a matcher that lost its types would accept anything.
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Checks } from './lib/checks.mjs'
import { pack } from './lib/pack.mjs'
import { Project, ROOT } from './lib/project.mjs'
import { tail } from './lib/run.mjs'
import { COMPILERS, typeCheck } from './lib/tsc.mjs'
import {
  EXPECT_30,
  JEST_GLOBALS,
  JEST_TYPES,
  NODE_TYPES_20,
  NODE_TYPES_24,
  VITEST_4,
  VITEST_5,
} from './lib/versions.mjs'

const VITEST = ['vitest-imports', 'vitest-globals', 'vitest-commonjs']
const USERS = [
  [VITEST_4, NODE_TYPES_20, VITEST],
  // Vitest 5 needs the newer types of Node.
  [VITEST_5, NODE_TYPES_24, VITEST],
  [JEST_GLOBALS, NODE_TYPES_20, ['jest-globals-esm', 'jest-globals-commonjs']],
  [JEST_TYPES, NODE_TYPES_20, ['types-jest-esm', 'types-jest-commonjs']],
  [EXPECT_30, NODE_TYPES_20, ['expect']],
]
/** Compiler flags to try, in addition to each scenario's tsconfig.json. */
const WAYS = {
  nodenext: [],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler'],
  'skipLibCheck off': ['--skipLibCheck', 'false'],
}
/** How ts-jest resolves without a tsconfig.json: it knows no `exports`. TypeScript 7 has removed it. */
const NODE10 = ['--module', 'commonjs', '--moduleResolution', 'node10']
const FILE = 'gate.ts'
const MARK = /^\/\/ (shared|shared-vitest)$/gm

const checks = new Checks()
const packed = await pack()
for (const [spec, nodeTypes, scenarios] of USERS) {
  console.log(`\n${spec}`)
  const project = await Project.with(packed.file, nodeTypes, spec)
  try {
    project.copy('test/types/tsconfig.base.json', 'tsconfig.base.json')
    for (const scenario of scenarios) await checkScenario(project, scenario)
  } finally {
    project.remove()
  }
}
checks.end()

async function checkScenario(project, scenario) {
  project.copy(`test/types/${scenario}`, scenario)
  const text = project
    .read(`${scenario}/${FILE}`)
    .replace(MARK, (_, name) => readFileSync(`${ROOT}/test/types/${name}.ts`, 'utf8'))
  for (const [name, compiler] of Object.entries(COMPILERS)) {
    project.write(`${scenario}/${FILE}`, text)
    const ways = name === 'TypeScript 7' ? WAYS : { ...WAYS, node10: NODE10 }
    const compiled = Object.values(ways).map((flags) => typeCheck(compiler, project.path(scenario), flags))
    for (const [i, { code, out }] of (await Promise.all(compiled)).entries()) {
      await checks.hold(`${scenario}, ${name}, ${Object.keys(ways)[i]}`, () => equal(code, 0, tail(out)))
    }
    const expected = expectedErrors(text)
    project.write(`${scenario}/${FILE}`, text.replaceAll('@ts-expect-error', ''))
    await checks.hold(`${scenario}, ${name}, every expected error occurs`, async () => {
      const { code, errors } = await typeCheck(compiler, project.path(scenario))
      notEqual(code, 0, 'it compiles')
      deepEqual(errors, expected)
      return `${expected.length} errors`
    })
  }
}

/** `file:line TScode` for each comment `// @ts-expect-error TScode reason`. */
function expectedErrors(text) {
  const errors = text.split('\n').flatMap((line, i) => {
    if (!line.includes('@ts-expect-error')) return []
    const number = /@ts-expect-error (TS\d+)/.exec(line)?.[1]
    ok(number, `line ${i + 1} does not name the error it expects`)
    return [`${FILE}:${i + 2} ${number}`]
  })
  ok(errors.length > 10, 'the file has too few expected errors')
  return errors
}
