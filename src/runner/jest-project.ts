import { relative, sep } from 'node:path'

/**
 * Under Jest a test cannot know which project runs it. The reporter adds this global variable to the configuration of each
 * project, and Jest hands it to the project's tests.
 */
const GLOBAL = '__GOLDEN_LOGITS_PROJECT__'

/** A project of Jest's option `projects`. */
interface JestProject {
  readonly id: string
  readonly name: string
}

/** The part of Jest's object of a test file that is used here; structural, because no runner is imported. */
export interface JestTest {
  readonly context: { config: JestProjectConfig }
}

interface JestProjectConfig {
  readonly id?: string
  readonly rootDir: string
  readonly displayName?: string | { readonly name: string }
  readonly globals?: Readonly<Record<string, unknown>>
}

/**
 * Adds the project to the configuration that the tests of a file are about to receive. Jest's caches depend on the
 * configuration, so it must be the same in every run.
 * @param root the runner's root, after which a project without a display name is called
 */
export function nameProject({ context }: JestTest, root: string): void {
  const { config } = context
  if (config.globals?.[GLOBAL] !== undefined) return
  const { displayName, rootDir } = config
  const folder = relative(root, rootDir).split(sep).join('/') || '.'
  const name = typeof displayName === 'string' ? displayName : (displayName?.name ?? folder)
  const project: JestProject = { id: config.id ?? name, name }
  // Jest freezes its configuration.
  context.config = Object.freeze({ ...config, globals: { ...config.globals, [GLOBAL]: project } })
}

/** The project that runs this test; undefined if there is only one, or if the run has no reporter. */
export function jestProject(): JestProject | undefined {
  return (globalThis as { [GLOBAL]?: JestProject })[GLOBAL]
}
