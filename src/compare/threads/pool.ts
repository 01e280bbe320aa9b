import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { RowKernel } from '../../metrics/kernel.js'
import type { Segment } from './segment.js'
import { LIFE, type Report, type WorkerStart } from './worker-life.js'

/** So many segments may lie unread before a worker that has not started yet: each is some hundred kilobytes. */
const MOST_UNREAD = 4

/** A worker as the main thread sees it. */
export class Helper {
  private readonly worker: Worker
  private readonly port: MessagePort
  private readonly life = new Int32Array(new SharedArrayBuffer(4))
  private unread = 0

  constructor(file: string, kernel: RowKernel['name']) {
    const { port1, port2 } = new MessageChannel()
    this.port = port1
    const workerData: WorkerStart = { port: port2, life: this.life, kernel }
    this.worker = new Worker(file, {
      workerData,
      transferList: [port2],
      // Nothing of the runner that may be at work: its loaders and hooks would slow the start, and could break it.
      execArgv: [],
      env: {},
      // It prints nothing: to lead that to this process's own streams would open them.
      stdout: true,
      stderr: true,
      // What a pair leaves behind is little and soon gone: more room for it would only be more memory.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    })
    // Without a listener an error in the worker (out of memory, say) would end this process.
    this.worker.on('error', () => this.lose())
    this.worker.on('exit', () => this.lose())
    this.worker.unref()
  }

  get isAlive(): boolean {
    return Atomics.load(this.life, 0) < LIFE.left
  }

  /** Has it ended by itself, after it had nothing to do? */
  get hasLeft(): boolean {
    return Atomics.load(this.life, 0) === LIFE.left
  }

  get isBusy(): boolean {
    return Atomics.load(this.life, 0) === LIFE.busy
  }

  help(segment: Segment): void {
    if (Atomics.load(this.life, 0) === LIFE.starting && this.unread++ >= MOST_UNREAD) return
    this.port.postMessage(segment)
  }

  receive(): Report | undefined {
    return receiveMessageOnPort(this.port)?.message as Report | undefined
  }

  /** For a worker that is not to be trusted any more. */
  end(): void {
    this.lose()
    this.port.close()
    void this.worker.terminate()
  }

  /** May be called when the runner has taken its globals away: no more than memory is touched. */
  private lose(): void {
    if (this.life[0]! < LIFE.left) this.life[0] = LIFE.lost
  }
}

/** So many workers may be lost before no more are started: something is wrong with them here. */
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

  /** How many are there already? */
  get size(): number {
    return this.living().length
  }

  /** Up to so many workers, started where there are too few. It waits for none, and none may come. */
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
