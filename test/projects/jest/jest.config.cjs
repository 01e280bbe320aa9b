const { CSV, JUNIT, NO_REPORTER, NO_GLOBALS, STRICT } = process.env
const options = { ...(CSV && { csv: CSV }), ...(JUNIT && { junit: JUNIT }), strict: STRICT !== undefined }

module.exports = {
  testMatch: ['<rootDir>/*.test.{cjs,mjs}'],
  moduleFileExtensions: ['js', 'cjs', 'mjs', 'json'],
  testTimeout: 60_000,
  transform: {},
  haste: { retainAllFiles: false },
  injectGlobals: !NO_GLOBALS,
  reporters: NO_REPORTER ? ['default'] : ['default', ['golden-logits/reporter', options]],
}
