import { chmodSync, mkdtempSync, realpathSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { removeFolder } from './test/remove-folder.js'

// Everything that a run creates in the system's temporary folder goes into one folder, which is removed at the end. It is
// set here and not in a global setup, because Vitest creates folders there before any setup runs. Workers and child
// processes inherit the variables. Vitest loads this file once for each project: only the first time counts. The name is
// short, because the path of a socket may have little more than 100 characters.
if (!process.env.GOLDEN_LOGITS_TEST_TMP) {
  const temporary = realpathSync(mkdtempSync(join(tmpdir(), 'gl-')))
  // Some tests read files as another user.
  chmodSync(temporary, 0o755)
  for (const name of ['TMPDIR', 'TEMP', 'TMP', 'GOLDEN_LOGITS_TEST_TMP']) process.env[name] = temporary
  process.on('exit', () => removeFolder(temporary))
}

const TESTS = 'test/**/*.test.ts'
const NO_TESTS = ['test/projects/**', 'test/package/**', 'node_modules/**']
/**
 * These start test runners or compilers, compare dumps of many tokens, check a property on many inputs, replace a module, or
 * measure the peak memory of a process, which begins at that of the process that starts it.
 */
const SLOW = [
  'test/**/e2e/**',
  'test/**/memory/**',
  'test/**/threads/{runners,threads}.test.ts',
  'test/**/compact/{bound,ratio}.test.ts',
  'test/**/{sketch-kernels,row-kernel,differential,tensor-reader,like-files,big-file}.test.ts',
  'test/fuzz/fuzz.test.ts',
  'test/**/traps.test.ts',
  'test/**/{thread-count,windows-paths}.test.ts',
  'test/{docs,types}/**',
]

export default defineConfig({
  test: {
    projects: [
      // Loading the modules again for each file would take most of the time.
      { extends: true, test: { name: 'unit', include: [TESTS], exclude: [...NO_TESTS, ...SLOW], isolate: false } },
      {
        extends: true,
        test: { name: 'slow', include: SLOW.map((glob) => glob.replace(/\*\*$/, '**/*.test.ts')), exclude: NO_TESTS },
      },
    ],
    // Vitest leaves one processor free. Most tests wait for a process they started.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { requireAssertions: true },
    coverage: {
      include: ['src/**'],
      // Code that reads untrusted bytes must have every branch tested.
      thresholds: Object.fromEntries(
        [
          'errors.ts',
          'formats/**',
          'io/zip*.ts',
          'io/budgets.ts',
          'io/byte-source.ts',
          'io/memory-source.ts',
          'io/read-whole.ts',
          'io/utf8.ts',
          'io/numbered-text.ts',
        ].map((files) => [`src/${files}`, { statements: 100, branches: 100, functions: 100, lines: 100 }]),
      ),
    },
  },
})
