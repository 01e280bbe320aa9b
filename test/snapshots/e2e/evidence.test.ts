import { describe, expect, test } from 'vitest'
import { snapshotName } from '../../../src/snapshots/names.js'
import { Project, type Runner } from './project.js'

const POINTER = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'

describe.each<Runner>(['vitest', 'jest'])('%s', (runner) => {
  const gate = (name: string, options: string, dump = 'a') =>
    `test('${name}', () => { expect('dumps/${dump}').toMatchLogitsSnapshot({ dtype: 'fp16', ${options} }) })\n`

  test('a Git LFS pointer: git lfs pull, and not even -u replaces it', () => {
    const project = new Project(runner)
    try {
      const file = `__golden__/${project.testFile('model')}/${snapshotName('a', 1, '')}`
      project.dump('a')
      project.test('model', gate('a', ''))
      expect(project.run().code).toBe(0)
      for (const path of [`${file}.npz`, file]) {
        project.write(path, POINTER)
        for (const args of [[], ['-u']]) {
          const run = project.run(args)
          expect(run.code).toBe(1)
          expect(run.out).toMatch(/is a Git LFS pointer, not the snapshot itself: run git lfs pull/)
          expect(run.out).not.toMatch(/torch\.save|option -u|with -u/)
          expect(project.read(path)).toBe(POINTER)
        }
      }
    } finally {
      project.remove()
    }
  })

  test('-u renews the provenance and the name of the test, and says so; updatePassing renews the logits', () => {
    const project = new Project(runner)
    try {
      const folder = `__golden__/${project.testFile('model')}`
      const file = `${folder}/${snapshotName('a', 1, '')}`
      project.dump('a')
      project.test('model', gate('a', `provenance: { device: 'A', seed: 1 }`))
      const first = project.run()
      expect(first.said.join('\n')).toMatch(/snapshot written: .*\.golden \(3 tokens, full, [\d.]+ kB\)/)
      project.test('model', gate('a', `provenance: { device: 'B' }`))
      const before = project.read(file)
      expect(project.run().code).toBe(0)
      expect(project.read(file)).toBe(before)
      const update = project.run(['-u'])
      expect([update.code, update.summary]).toEqual([0, '1 updated'])
      expect(update.said.join('\n')).toMatch(
        /snapshot updated: .* \(provenance device: 'A' is now 'B'; provenance seed: '1' is now absent; 3 tokens, full, /,
      )
      expect(project.read(file)).toMatch(/^with "device" "B"$/m)
      expect(project.run(['-u']).summary).not.toMatch(/updated/)

      // The snapshot of another test.
      project.test('model', gate('renamed', `provenance: { device: 'B' }`))
      for (const end of ['', '.npz']) {
        project.write(`${folder}/${snapshotName('renamed', 1, '')}${end}`, project.bytes(`${file}${end}`))
      }
      const named = project.run([], { ci: true })
      expect(named.code).toBe(0)
      expect(named.said.join('\n')).toMatch(
        /warning: .*the snapshot was written by test 'a', not by this test 'renamed'; to confirm, update the snapshot \(-u\)/,
      )
      project.test('model', gate('renamed', `provenance: { device: 'B' }, strict: true`))
      expect(project.run([], { ci: true }).code).toBe(1)
      const renewed = project.run(['-u'])
      expect(renewed.code).toBe(0)
      expect(renewed.said.join('\n')).toMatch(/snapshot updated: .* \(test 'a' is now 'renamed'; 3 tokens/)
      expect(project.run([], { ci: true }).code).toBe(0)

      // Within the thresholds, but not equal.
      project.dump('a', (row) => row.set(row.map((x, i) => x + 1e-4 * (i % 2))))
      project.test('model', gate('renamed', `provenance: { device: 'B' }`))
      expect(project.run(['-u']).summary).not.toMatch(/updated/)
      project.test('model', gate('renamed', `provenance: { device: 'B' }, updatePassing: true`))
      expect(project.run().summary).not.toMatch(/updated/)
      const passing = project.run(['-u'])
      expect(passing.summary).toMatch(/1 updated/)
      expect(passing.said.join('\n')).toMatch(/\(updatePassing: the logits differ; 3 tokens/)
      expect(project.run(['-u']).summary).not.toMatch(/updated/)
    } finally {
      project.remove()
    }
  })

  test('a dump without information is refused, and NaN is called NaN', () => {
    const project = new Project(runner)
    try {
      project.dump('nan', (row, step) => void (step === 0 && row.fill(Number.NaN)))
      project.dump('mixed', (row, step) => {
        if (step === 0) row.fill(Number.NEGATIVE_INFINITY).fill(Number.NaN, 0, 10)
      })
      project.dump('zeros', (row, step) => void (step === 1 && row.fill(0)))
      project.test('model', ['nan', 'mixed', 'zeros'].map((name) => gate(name, '', name)).join(''))
      const run = project.run()
      expect(run.code).toBe(1)
      const start = 'No golden snapshot was written, because token'
      expect(run.out).toContain(`${start} 0 of the dump cannot be stored: it holds 500 NaN, first at vocab id 0`)
      expect(run.out).toContain(`${start} 0 of the dump cannot be stored: it holds 10 NaN, first at vocab id 0`)
      expect(run.out).toContain(`${start} 1 of the dump cannot be stored: all logits are equal (0)`)
      expect(project.files('__golden__')).toEqual([])
    } finally {
      project.remove()
    }
  })
})
