import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Serves the model beside the tests.
  publicDir: '../models',
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  test: {
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      // A Chromium that is installed already, or the one that `npx playwright install chromium` brings.
      provider: playwright({ launchOptions: { executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] } }),
      instances: [{ browser: 'chromium' }],
    },
  },
})
