import { spawn } from 'node:child_process'

/** Environment variables that npm, test runners and build servers set for their child processes. */
const INHERITED =
  /^(?:VITEST|JEST|GOLDEN_LOGITS|NODE_OPTIONS$|NODE_ENV$|FORCE_COLOR$|TEST$|CI$|GITHUB_|npm_(?:package|lifecycle|command|config_local_prefix))/

/** The environment of a program that shall run as a user starts it. */
export function environment(env = {}) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !INHERITED.test(name)))
  return { ...inherited, NO_COLOR: '1', ...env }
}

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, seconds?: number }} options `seconds`: the time limit, after which it is killed
 * @returns {Promise<{ code: number | null, out: string, err: string }>} its exit code (null: killed) and what it printed
 */
export function run(program, args, { cwd, env = {}, seconds = 300 } = {}) {
  return outputOf(spawn(program, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] }), seconds)
}

/**
 * What a started program prints, and how it ends.
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} seconds the time limit, after which it is killed
 */
export function outputOf(child, seconds) {
  const killed = setTimeout(() => child.kill('SIGKILL'), seconds * 1000)
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      clearTimeout(killed)
      resolve({ code, signal, out, err })
    })
  })
}

/** The last lines of a long text: programs print there what went wrong. */
export function tail(text, lines = 30) {
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}
