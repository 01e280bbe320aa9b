import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { include: ['*.test.js'], reporters: ['default', ['golden-logits/reporter', { csv: 'report.csv' }]] },
})
