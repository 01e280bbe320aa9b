import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CLI = join(import.meta.dirname, '../../../dist/esm/cli.js')

/** Runs the command in its own folder, through a real shell. */
export class Shell {
  readonly folder = mkdtempSync(join(tmpdir(), 'golden-logits-cli-'))

  /** @param command what follows `golden-logits`, as typed */
  run(command: string): { code: number | null; stdout: string; stderr: string } {
    const { GOLDEN_LOGITS_RUN_DIR: _, ...env } = process.env
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', `node '${CLI}' ${command}`], {
      cwd: this.folder,
      encoding: 'utf8',
      env: { ...env, NO_COLOR: '1', FORCE_COLOR: undefined },
    })
    return { code: status, stdout, stderr }
  }

  /** @param script for bash, in which `$CLI` is the command; returns its exit code and what it printed */
  bash(script: string): { code: number | null; printed: string } {
    const env = { ...process.env, CLI: `node ${CLI}`, NO_COLOR: '1' }
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: this.folder, encoding: 'utf8', env })
    return { code: status, printed: stdout + stderr }
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** The files in a folder, those with a time in their name without it. */
  files(name = '.'): string[] {
    return readdirSync(this.path(name)).map((file) => file.replace(/\d{14}/, 'TIME'))
  }
}
