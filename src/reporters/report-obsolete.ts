import { printable } from '../errors.js'
import { obsoleteGoldens, removeGolden, touchedGoldens } from '../snapshots/obsolete.js'

/** What the reporter does about goldens that no test uses. */
export type ObsoletePolicy = 'report' | 'fail' | 'remove'

export interface ObsoleteOutcome {
  /** For people; absent where there is nothing to say. */
  text?: string
  fails: boolean
}

const MAX_NAMED = 5

/**
 * Finds the goldens that no test uses any more, and removes them only where the user asked for it twice: by the policy,
 * and by updating snapshots in this run.
 * @param wholeFiles see `obsoleteGoldens`
 * @param nameOf how a path is told to people
 */
export function handleObsolete(
  runDir: string,
  wholeFiles: readonly string[],
  policy: ObsoletePolicy,
  isUpdate: boolean,
  nameOf: (path: string) => string,
): ObsoleteOutcome {
  const obsolete = obsoleteGoldens(touchedGoldens(runDir), wholeFiles)
  if (obsolete.length === 0) return { fails: false }
  const removes = policy === 'remove' && isUpdate
  if (removes) for (const golden of obsolete) removeGolden(golden)
  const names = obsolete.slice(0, MAX_NAMED).map((golden) => printable(nameOf(golden), 200))
  if (obsolete.length > MAX_NAMED) names.push(`and ${obsolete.length - MAX_NAMED} more`)
  const what = `${obsolete.length} obsolete ${obsolete.length === 1 ? 'golden' : 'goldens'}`
  const text = removes ? `${what} removed` : `${what}, used by no test`
  return { text: `${text}: ${names.join(', ')}${removes ? '' : advice(policy)}`, fails: policy === 'fail' }
}

function advice(policy: ObsoletePolicy): string {
  if (policy === 'remove') return ' (a run with -u removes them)'
  return " (delete them, or run with -u and the reporter's option obsolete: 'remove')"
}
