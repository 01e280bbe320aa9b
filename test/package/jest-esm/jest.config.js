export default {
  transform: {},
  injectGlobals: false,
  reporters: ['default', ['golden-logits/reporter', { csv: 'report.csv' }]],
}
