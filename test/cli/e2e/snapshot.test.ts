import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { logits } from '../../build/logits.js'
import { torchDump } from '../../build/pair.js'
import { Shell } from './cli.js'

const DUMPS = resolve(import.meta.dirname, '../../../examples/dumps')
const [GPU, NPU, DEGRADED] = ['gpu', 'npu', 'npu-degraded'].map((name) => join(DUMPS, name)) as [string, string, string]

/** A shell with the snapshot `a.golden` of the GPU's dump. */
function shellWithSnapshot(flags = ''): Shell {
  const shell = new Shell()
  const { code, stdout } = shell.run(`snapshot ${GPU} a.golden --write ${flags}`)
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  return shell
}

function textOf(shell: Shell, name = 'a.golden'): string {
  return readFileSync(shell.path(name), 'utf8')
}

describe('snapshot', () => {
  test('a path that ends like a folder is no snapshot', () => {
    const shell = new Shell()
    const { code, stderr } = shell.run(`snapshot ${GPU} a.golden/ --write`)
    expect(code).toBe(2)
    expect(stderr).toContain('the file of a snapshot ends in .golden, got a.golden/')
    expect(shell.files()).toEqual([])
  })

  test('writes nothing unless it is asked to', () => {
    const shell = new Shell()
    const { code, stdout, stderr } = shell.run(`snapshot ${GPU} a.golden`)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(
      /^golden-logits: .*a\.golden: there is no snapshot to check the dump against; looked for \/.*; --write writes it\n$/,
    )
    expect(shell.files()).toEqual([])
  })

  test('writes the snapshot with --write, and says how large it is', () => {
    const shell = new Shell()
    const { code, stdout, stderr } = shell.run(`snapshot ${GPU} golden/a.golden --write --provenance model=tiny`)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/^golden-logits: snapshot written: .*golden\/a\.golden \(12 tokens, full, [\d.]+ kB\)\n$/)
    expect(shell.files('golden')).toEqual(['a.golden', 'a.golden.npz'])
    const text = textOf(shell, 'golden/a.golden')
    expect(text).toContain('\nwith "model" "tiny"\n')
    expect(text).toMatch(/\ntoken 3 {2}top1 589 {2}logit 16\.968/)
  })

  test('exits with 0 within the limits, and prints what compare prints', () => {
    const shell = shellWithSnapshot()
    const before = textOf(shell)
    for (const flags of ['', '--write', '-u', '--fidelity full']) {
      const { code, stdout, stderr } = shell.run(`snapshot ${NPU} a.golden --dtype bf16 ${flags}`)
      expect({ flags, code }).toEqual({ flags, code: 0 })
      expect(stdout).toMatch(/^All 12 tokens compared are within the limits:\n/)
      expect(stderr).toMatch(
        /^golden-logits: within the limits: 12 tokens compared, 0 over, 0 missing\ngolden-logits: KL by token ▁{12}\n$/,
      )
      expect(textOf(shell)).toBe(before)
    }
  })

  test('exits with 1 over the limits with the message of the matcher, and replaces nothing', () => {
    const shell = shellWithSnapshot()
    const before = textOf(shell)
    for (const flags of ['', '--write']) {
      const { code, stdout, stderr } = shell.run(`snapshot ${DEGRADED} a.golden --dtype bf16 ${flags}`)
      expect(code).toBe(1)
      expect(stdout).toContain('First token over threshold: token 3     (12 tokens compared, 1 over, 0 missing)')
      expect(stdout).toContain('KL divergence       19.4995     must be < 0.005 (bf16)')
      expect(stdout).toMatch(/\n {2}snapshot {5}.*a\.golden\n/)
      expect(stdout).toMatch(/If the new logits are right, update the snapshot: repeat the command with -u\.\n$/)
      expect(stderr).toContain('not within the limits: 12 tokens compared, 1 over, 0 missing')
      expect(textOf(shell)).toBe(before)
      expect(shell.files()).toEqual(['a.golden', 'a.golden.npz'])
    }
  })

  test('replaces it with -u, says what it replaced, and keeps its test and provenance', () => {
    const shell = shellWithSnapshot('--provenance model=tiny --provenance device=gpu')
    const renamed = textOf(shell)
    const { code, stdout, stderr } = shell.run(`snapshot ${DEGRADED} a.golden --dtype bf16 -u`)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/^golden-logits: provenance kept: model tiny, device gpu\ngolden-logits: snapshot updated: /)
    expect(stderr).toContain(
      '(token 3: KL divergence 19.4995 is not below 0.005; cosine similarity 0.975473 is not above 0.999; 1 of 12 tokens were over a threshold or not comparable, highest KL divergence from the old snapshot 19.5; 12 tokens, full, ',
    )
    expect(textOf(shell).split('\n').slice(4, 7)).toEqual(renamed.split('\n').slice(4, 7))
    expect(shell.run(`snapshot ${DEGRADED} a.golden --dtype bf16`).code).toBe(0)
    expect(shell.run(`snapshot ${GPU} a.golden --dtype bf16`).code).toBe(1)
  })

  test('compares the provenance that is given, and replaces it with -u', () => {
    const shell = shellWithSnapshot('--provenance model=tiny --provenance device=gpu')
    const other = shell.run(`snapshot ${NPU} a.golden --dtype bf16 --provenance model=large`)
    expect(other).toMatchObject({ code: 3, stdout: '' })
    expect(other.stderr).toContain(
      "the snapshot is of model 'tiny', but the option provenance says 'large'; give each its own snapshot, or update the snapshot (-u)",
    )
    const twice = shell.run(`snapshot ${NPU} a.golden --provenance model=tiny --provenance model=large`)
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('--provenance model is given twice') })
    const device = shell.run(`snapshot ${NPU} a.golden --dtype bf16 --provenance device=npu`)
    expect(device.code).toBe(0)
    expect(device.stdout).toContain("note: device: snapshot 'gpu', now 'npu'")
    const update = shell.run(`snapshot ${NPU} a.golden --dtype bf16 -u --provenance model=tiny --provenance device=npu`)
    expect(update.code).toBe(0)
    expect(update.stderr).toContain("(provenance device: 'gpu' is now 'npu'; 12 tokens, full, ")
    expect(textOf(shell)).toContain('with "device" "npu"')
  })

  test('replaces a snapshot that the dump matches only with --update-passing', () => {
    const shell = shellWithSnapshot()
    const before = textOf(shell)
    expect(shell.run(`snapshot ${NPU} a.golden --dtype bf16 -u`).code).toBe(0)
    expect(textOf(shell)).toBe(before)
    const { code, stderr } = shell.run(`snapshot ${NPU} a.golden --dtype bf16 -u --update-passing`)
    expect(code).toBe(0)
    expect(stderr).toContain('(updatePassing: the logits differ; 12 tokens')
    expect(textOf(shell)).not.toBe(before)
  })

  test('keeps a compact snapshot, and exits with 4 if it cannot decide', () => {
    const shell = shellWithSnapshot('--fidelity compact --k 8')
    expect(shell.files()).toEqual(['a.golden'])
    expect(textOf(shell)).toContain('\nfidelity compact\n')
    expect(shell.run(`snapshot ${GPU} a.golden --dtype bf16`).code).toBe(0)
    expect(shell.run(`snapshot ${DEGRADED} a.golden --dtype bf16`).code).toBe(1)
    // Just above the highest KL divergence, 1.51921e-5 at token 4: the bounds of 8 ids include the limit.
    const undecided = shell.run(`snapshot ${NPU} a.golden --dtype bf16 -kl 0.0000152`)
    expect(undecided.code).toBe(4)
    expect(undecided.stdout).toContain('cannot be decided with this compact snapshot')
    const other = shell.run(`snapshot ${NPU} a.golden --dtype bf16 --fidelity full`)
    expect(other.code).toBe(3)
    expect(other.stderr).toContain("the snapshot has fidelity 'compact', but the option fidelity is 'full'")
    const update = shell.run(`snapshot ${GPU} a.golden --dtype bf16 --fidelity full -u`)
    expect(update.code).toBe(0)
    expect(shell.files()).toEqual(['a.golden', 'a.golden.npz'])
  })

  test('exits with 4 if the result is inconclusive, and with 1 if warnings fail, also with -u', () => {
    const shell = shellWithSnapshot()
    const few = shell.run(`snapshot ${NPU} a.golden --dtype bf16 --steps 0-1 --missing allow --min-comparable 4`)
    expect(few.stdout).toMatch(/^Inconclusive: /)
    expect(few.code).toBe(4)
    const before = textOf(shell)
    const fed = torchDump([{ values: logits(1) }, { values: logits(1) }, { values: logits(2) }, { values: logits(3) }])
    expect(shell.run(`snapshot ${fed} b.golden --write`).code).toBe(0)
    const repeated = shell.run(`snapshot ${fed} b.golden`)
    expect(repeated.code).toBe(0)
    expect(repeated.stderr).toMatch(/^golden-logits: warning: .*the logits of the token before/)
    expect(shell.run(`snapshot ${fed} b.golden --repeated-rows allow --strict`).stderr).not.toContain('before')
    const strict = shell.run(`snapshot ${fed} b.golden --strict -u`)
    expect(strict.code).toBe(1)
    expect(strict.stdout).toContain('warnings make the comparison fail')
    expect(textOf(shell)).toBe(before)
  })

  test('prints the report as JSON, as compare does', () => {
    const shell = shellWithSnapshot()
    const { code, stdout } = shell.run(`snapshot ${DEGRADED} a.golden --dtype bf16 --json`)
    expect(code).toBe(1)
    const [comparison] = JSON.parse(stdout).comparisons
    expect(comparison).toMatchObject({ pass: false, verdicts: { pass: 11, 'over-threshold': 1 } })
    expect(comparison.title).toBe(`${DEGRADED} against a.golden`)
    expect(comparison.message).toContain('repeat the command with -u')
    const replaced = shell.run(`snapshot ${DEGRADED} a.golden --dtype bf16 --json -u`)
    expect(replaced.code).toBe(0)
    expect(JSON.parse(replaced.stdout).comparisons[0]).toMatchObject({ pass: false })
    const written = shell.run(`snapshot ${GPU} b.golden --json --write`)
    expect(JSON.parse(written.stdout)).toMatchObject({ format: 'golden-logits-report', comparisons: [] })
  })

  test('never uses a damaged snapshot, and replaces it only with -u', () => {
    const shell = shellWithSnapshot()
    appendFileSync(shell.path('a.golden'), 'x')
    for (const flags of ['', '--write']) {
      const { code, stdout, stderr } = shell.run(`snapshot ${GPU} a.golden ${flags}`)
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr).toMatch(/a\.golden: it has no checksum at its end: it was cut short; restore the snapshot/)
    }
    const { code, stderr } = shell.run(`snapshot ${GPU} a.golden -u`)
    expect(code).toBe(0)
    expect(stderr).toMatch(/snapshot updated: .*it has no checksum at its end/)
    expect(shell.run(`snapshot ${GPU} a.golden`).code).toBe(0)
  })

  test('never replaces a file that is not a snapshot, nor a Git LFS pointer', () => {
    const shell = new Shell()
    const contents = ['mine', `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 9\n`]
    for (const content of contents) {
      writeFileSync(shell.path('a.golden'), content)
      for (const flags of ['', '--write', '-u']) {
        const { code, stdout } = shell.run(`snapshot ${GPU} a.golden ${flags}`)
        expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
        expect(textOf(shell)).toBe(content)
      }
    }
    mkdirSync(shell.path('folder.golden'))
    expect(shell.run(`snapshot ${GPU} folder.golden -u`).code).toBe(3)
  })

  test('stores no dump that cannot be read, nor rows that say nothing', () => {
    const shell = new Shell()
    const flat = torchDump([{ values: logits(1) }, { values: new Array(logits(1).length).fill(1) }])
    const { code, stdout } = shell.run(`snapshot ${flat} a.golden --write`)
    expect(code).toBe(3)
    expect(stdout).toMatch(/^No golden snapshot was written, because token 1 of the dump cannot be stored: /)
    expect(shell.run(`snapshot ${torchDump([{ values: logits(1) }, 'no tensor'])} a.golden --write`).code).toBe(3)
    expect(existsSync(shell.path('a.golden'))).toBe(false)
    expect(shell.run(`snapshot ${flat} a.golden --write --steps 0`).code).toBe(0)
  })

  test('exits with 3 if a file of the dump cannot be read', () => {
    const shell = new Shell()
    const rows = [1, 2, 3, 4].map((seed) => ({ values: logits(seed) }))
    expect(shell.run(`snapshot ${torchDump(rows)} a.golden --write`).code).toBe(0)
    const broken = shell.run(`snapshot ${torchDump(rows.with(2, 'no tensor' as never))} a.golden`)
    expect(broken.code).toBe(3)
    expect(broken.stdout).toContain('token 2, unreadable')
  })

  test('keeps the name of the test that a snapshot belongs to', () => {
    const shell = new Shell()
    const name = 'the-model-gives-the-logits-that-the-repository-keeps-1-a3aa42d1.golden'
    const stored = resolve(DUMPS, '../onnxruntime-node/__golden__/gate.test.js', name)
    for (const suffix of ['', '.npz']) copyFileSync(`${stored}${suffix}`, shell.path(`a.golden${suffix}`))
    const test = 'test "the model gives the logits that the repository keeps"'
    expect(textOf(shell).split('\n')).toContain(test)
    const check = shell.run(`snapshot ${GPU} a.golden`)
    expect(check.code).toBe(3)
    expect(check.stderr).toContain('the dump one of 640')
    expect(shell.run(`snapshot ${GPU} a.golden -u`).code).toBe(0)
    expect(textOf(shell).split('\n')).toContain(test)
    expect(shell.run(`snapshot ${GPU} a.golden`).code).toBe(0)
  })

  test.each([
    [
      'the arguments the wrong way round',
      `a.golden ${GPU}`,
      2,
      /the file of a snapshot ends in \.golden, got .*DUMP FILE/,
    ],
    ['one argument', GPU, 2, /missing required argument 'file'/],
    ['a dump that is not there', 'none a.golden --write', 3, /none: there is no such file or folder/],
    [
      'a provenance without a value',
      `${GPU} a.golden --provenance tiny`,
      2,
      /--provenance must be a key and its value/,
    ],
    ['another fidelity', `${GPU} a.golden --fidelity half`, 2, /fidelity must be 'full' or 'compact', got 'half'/],
    ['a number of ids for a full one', `${GPU} a.golden --k 8`, 2, /k counts the ids that a compact snapshot lists/],
    ['--update-passing alone', `${GPU} a.golden --update-passing`, 2, /--update-passing needs -u/],
    ['a baseline', `${GPU} a.golden --baseline ${NPU}`, 2, /unknown option '--baseline'/],
    ['a step that is not there', `${GPU} a.golden --steps 40 --write`, 3, /none of the requested steps is in the dump/],
  ])('refuses %s in one line', (_, args, code, text) => {
    const shell = new Shell()
    const run = shell.run(`snapshot ${args}`)
    expect(run).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(text) })
    expect(run.stderr.trim().split('\n')).toHaveLength(1)
    expect(shell.files()).toEqual([])
  })

  test('its help teaches with examples', () => {
    const { stdout } = new Shell().run('snapshot --help')
    expect(stdout).toContain('golden-logits snapshot dumps/npu golden/llama-8b.golden --dtype bf16 -u\n')
    expect(stdout).toContain('Exit codes: 0 within the limits, or written')
  })
})
