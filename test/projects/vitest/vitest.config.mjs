import { defineConfig } from 'vitest/config'

const { CSV, NO_REPORTER } = process.env
const reporter = ['golden-logits/reporter', CSV === undefined ? {} : { csv: CSV }]

export default defineConfig({
  test: {
    include: ['*.test.mjs'],
    testTimeout: 60_000,
    reporters: NO_REPORTER ? ['default'] : ['default', reporter],
  },
})
