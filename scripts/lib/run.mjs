import { spawn } from 'node:child_process'

/** Environment variables that npm and test runners set for their child processes. */
const INHERITED =
  /^(?:VITEST|JEST|GOLDEN_LOGITS|NODE_OPTIONS$|NODE_ENV$|FORCE_COLOR$|TEST$|npm_(?:package|lifecycle|command|config_local_prefix))/

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, seconds?: number }} options `seconds`: the time limit, after which it is killed
 * @returns {Promise<{ code: number | null, out: string, err: string }>} its exit code (null: killed) and what it printed
 */
export function run(program, args, { cwd, env = {}, seconds = 300 } = {}) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !INHERITED.test(name)))
  const child = spawn(program, args, {
    cwd,
    env: { ...inherited, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, out, err }))
  })
}

/** The last lines of a long text: programs print there what went wrong. */
export function tail(text, lines = 30) {
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}
