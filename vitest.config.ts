import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/projects/**', 'node_modules/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { requireAssertions: true },
    coverage: {
      include: ['src/**'],
      // Whoever reads hostile bytes has no branch that no test has taken.
      thresholds: Object.fromEntries(
        [
          'errors.ts',
          'formats/**',
          'io/zip*.ts',
          'io/budgets.ts',
          'io/byte-source.ts',
          'io/memory-source.ts',
          'io/read-whole.ts',
        ].map((files) => [`src/${files}`, { statements: 100, branches: 100, functions: 100, lines: 100 }]),
      ),
    },
  },
})
