require('golden-logits/jest')
const { logitsOf } = require('golden-logits')
const { expect, test } = require('@jest/globals')

const side = (...logits) => logitsOf([Float32Array.from(logits)])
const golden = side(1, 2, 3)

test('other logits', () => {
  expect(side(3, 2, 1)).not.toMatchGoldenLogits(golden)
})

test('NaN', () => {
  expect(side(1, Number.NaN, 3)).not.toMatchGoldenLogits(golden)
})

test('no information', () => {
  expect(side(0, 0, 0)).not.toMatchGoldenLogits(golden)
})
