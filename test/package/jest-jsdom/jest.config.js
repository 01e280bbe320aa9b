module.exports = {
  testEnvironment: 'jsdom',
  transform: {},
  setupFilesAfterEnv: ['golden-logits/jest'],
  reporters: ['default', ['golden-logits/reporter', { csv: 'report.csv' }]],
}
