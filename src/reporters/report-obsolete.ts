import { counted } from '../lib/number-text.js'
import { obsoleteSnapshots, removeSnapshot, usedSnapshots } from '../snapshots/obsolete.js'

/** What the reporter does about snapshots that no test uses. */
export type ObsoletePolicy = 'report' | 'fail' | 'remove'

export interface ObsoleteOutcome {
  /** A message to print; absent if nothing is obsolete. */
  text?: string
  fails: boolean
}

const MAX_NAMED = 5

/**
 * Finds the snapshots that no test uses any more. Removes them only if the user asked for it twice: by the policy, and by
 * updating snapshots in this run.
 * @param completedFiles see `obsoleteSnapshots`
 * @param nameOf returns a path as a message shows it
 */
export function handleObsolete(
  runDir: string,
  completedFiles: readonly string[],
  policy: ObsoletePolicy,
  isUpdate: boolean,
  nameOf: (path: string) => string,
): ObsoleteOutcome {
  const obsolete = obsoleteSnapshots(usedSnapshots(runDir), completedFiles)
  if (obsolete.length === 0) return { fails: false }
  const removes = policy === 'remove' && isUpdate
  if (removes) for (const path of obsolete) removeSnapshot(path)
  const names = obsolete.slice(0, MAX_NAMED).map((path) => nameOf(path))
  if (obsolete.length > MAX_NAMED) names.push(`and ${obsolete.length - MAX_NAMED} more`)
  const what = counted(obsolete.length, 'obsolete snapshot')
  const text = removes ? `${what} removed` : `${what}, used by no test`
  return { text: `${text}: ${names.join(', ')}${removes ? '' : advice(policy)}`, fails: policy === 'fail' }
}

function advice(policy: ObsoletePolicy): string {
  if (policy === 'remove') return ' (a run with -u removes them)'
  return " (delete them, or run with -u and the reporter's option obsolete: 'remove')"
}
