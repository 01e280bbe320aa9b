// There is no tsconfig.json: the types are resolved as ts-jest does by default.
module.exports = {
  transform: { '\\.ts$': 'ts-jest' },
  reporters: ['default', ['golden-logits/reporter', { csv: 'report.csv' }]],
}
