import { isMainThread } from 'node:worker_threads'

const uid = process.geteuid?.()

/** Whether a test can act as a user without permissions. Not on Windows, and not as root in a worker thread. */
export const canBeNobody = uid !== undefined && (uid !== 0 || isMainThread)

/** Runs a function as an ordinary user, since the superuser may read everything. */
export function asNobody<T>(body: () => T): T {
  if (uid !== 0) return body()
  process.seteuid!(65534)
  try {
    return body()
  } finally {
    process.seteuid!(uid)
  }
}
