import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const report = join(process.env.STORY_OUT, 'report')

export default defineConfig({
  test: {
    testTimeout: 60_000,
    reporters: [
      'default',
      [
        'golden-logits/reporter',
        { csv: join(report, 'gate.csv'), html: join(report, 'gate.html'), json: join(report, 'gate.json') },
      ],
    ],
  },
})
