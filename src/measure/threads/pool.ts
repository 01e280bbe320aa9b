import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { RowKernel } from '../../metrics/kernel.js'
import { KERNEL_VARIABLE } from '../../metrics/row-kernel.js'
import type { SharedWork } from './work.js'
import { type Report, STATE, type WorkerStart } from './worker-state.js'

/** At most this much work waits for a worker that has not started yet: each message takes some hundred kilobytes. */
const MOST_UNREAD = 4

/** A worker as the main thread sees it. */
export class Helper {
  private readonly worker: Worker
  private readonly port: MessagePort
  private readonly state = new Int32Array(new SharedArrayBuffer(4))
  private unread = 0

  constructor(file: string, kernel: RowKernel['name']) {
    const { port1, port2 } = new MessageChannel()
    this.port = port1
    const workerData: WorkerStart = { port: port2, state: this.state }
    this.worker = new Worker(file, {
      workerData,
      transferList: [port2],
      // Without the options of a test runner: its loaders and hooks would slow the start, and could break it.
      execArgv: [],
      // This thread's kernel: another might round the last digit otherwise.
      env: { [KERNEL_VARIABLE]: kernel },
      // It prints nothing: to pipe its output to this process's streams would open them.
      stdout: true,
      stderr: true,
      // A pair leaves little garbage: a larger young generation would only take more memory.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    })
    // Without a listener an error in the worker (out of memory, say) would end this process.
    this.worker.on('error', () => this.lose())
    this.worker.on('exit', () => this.lose())
    this.worker.unref()
  }

  get isAlive(): boolean {
    return Atomics.load(this.state, 0) < STATE.left
  }

  /** It ended by itself, after it had nothing to do. */
  get hasLeft(): boolean {
    return Atomics.load(this.state, 0) === STATE.left
  }

  get isBusy(): boolean {
    return Atomics.load(this.state, 0) === STATE.busy
  }

  help(work: SharedWork): void {
    if (Atomics.load(this.state, 0) === STATE.starting && this.unread++ >= MOST_UNREAD) return
    this.port.postMessage(work)
  }

  receive<Result>(): Report<Result> | undefined {
    return receiveMessageOnPort(this.port)?.message as Report<Result> | undefined
  }

  /** For a worker that does not answer any more. */
  end(): void {
    this.lose()
    this.port.close()
    void this.worker.terminate()
  }

  /** May be called after the runner has removed its globals: touches memory only. */
  private lose(): void {
    if (this.state[0]! < STATE.left) this.state[0] = STATE.lost
  }
}

/** After this many lost workers no more are started: something here prevents them. */
const LOSSES = 8

/** The workers of this thread, kept from one comparison to the next. They do not keep the process alive. */
export class Pool {
  private helpers: Helper[] = []
  private losses = 0
  private readonly file: string
  private readonly kernel: RowKernel['name']

  constructor(file: string, kernel: RowKernel['name']) {
    this.file = file
    this.kernel = kernel
  }

  /** How many there are already. */
  get size(): number {
    return this.living().length
  }

  /** Up to `count` workers, started if there are too few. It waits for none; there may be none. */
  take(count: number): readonly Helper[] {
    const living = this.living()
    while (living.length < count && this.losses < LOSSES) {
      try {
        living.push(new Helper(this.file, this.kernel))
      } catch {
        // Threads may be forbidden (`--permission`), or the system has no more of them.
        this.losses = LOSSES
      }
    }
    return living.slice(0, count)
  }

  private living(): Helper[] {
    for (const helper of this.helpers) if (!helper.isAlive && !helper.hasLeft) this.losses++
    this.helpers = this.helpers.filter((helper) => helper.isAlive)
    return this.helpers
  }
}
