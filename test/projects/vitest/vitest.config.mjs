import { defineConfig } from 'vitest/config'

const { CSV, JUNIT, NO_REPORTER, STRICT } = process.env
const reporter = [
  'golden-logits/reporter',
  { ...(CSV && { csv: CSV }), ...(JUNIT && { junit: JUNIT }), strict: STRICT !== undefined },
]

export default defineConfig({
  test: {
    include: ['*.test.mjs'],
    testTimeout: 60_000,
    reporters: NO_REPORTER ? ['default'] : ['default', reporter],
  },
})
