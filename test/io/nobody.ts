import { isMainThread } from 'node:worker_threads'

const uid = process.geteuid?.()

/** May a test act as a user who may not read everything? Not on Windows, and not as root in a worker thread. */
export const canBeNobody = uid !== undefined && (uid !== 0 || isMainThread)

/** Runs a body as an ordinary user: the superuser may read everything, so that there would be nothing to refuse. */
export function asNobody<T>(body: () => T): T {
  if (uid !== 0) return body()
  process.seteuid!(65534)
  try {
    return body()
  } finally {
    process.seteuid!(uid)
  }
}
