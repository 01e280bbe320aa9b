module.exports = {
  testMatch: ['<rootDir>/*.test.cjs'],
  moduleFileExtensions: ['js', 'cjs', 'json'],
  reporters: ['default', 'golden-logits/reporter'],
}
