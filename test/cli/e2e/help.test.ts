import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { Shell } from './cli.js'

const shell = new Shell()
const readme = readFileSync(resolve(import.meta.dirname, '../../../README.md'), 'utf8')
const table = readme.split('| command | what it does | exit codes |\n|---|---|---|\n')[1]!.split('\n\n')[0]!
const rows = table.split('\n').map((line) => {
  const [name, does, codes] = line.slice(2, -2).split(' | ') as [string, string, string]
  return { name: name.replaceAll('`', ''), does, codes }
})

/** The codes that a text lists: `0 merged, 1 merged, but rows are lost`. */
function codesIn(text: string): number[] {
  return [...text.matchAll(/(?:^|[,:] +)(\d) /g)].map(([, code]) => Number(code))
}

test('the table of the README has every command of --help', () => {
  const { stdout } = shell.run('--help')
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[|<).*$/gm)].map(([, name]) => name)
  expect(commands.length).toBeGreaterThan(6)
  expect(rows.map(({ name }) => name).sort()).toEqual(commands.filter((name) => name !== 'help').sort())
})

test.each(rows)('its row of $name has the exit codes of the help, and flags that exist', ({ name, does, codes }) => {
  const { stdout } = shell.run(`help ${name}`)
  const listed = stdout.slice(stdout.indexOf('Exit codes:')).replace(/\s+/g, ' ')
  expect(codesIn(codes)).toEqual(codesIn(listed))
  for (const [, flag] of does.matchAll(/`(--?[a-z][a-z-]*)`/g)) expect(stdout).toMatch(new RegExp(`${flag}\\b`))
})

test('help for a command that does not exist is wrong usage', () => {
  expect(shell.run('help nope')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("there is no command 'nope'"),
  })
  expect(shell.run('help').code).toBe(0)
})
