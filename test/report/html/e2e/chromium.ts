import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** Where Debian and Chrome's own packages put the browser. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The browser of this machine; undefined if there is none. */
export const CHROMIUM = PLACES.find((path) => existsSync(path))

type Message = { id?: number; method?: string; params?: unknown; result?: unknown; error?: { message: string } }

/** A page in a headless browser, driven by the DevTools protocol through a pipe. */
export class BrowserPage {
  /** The addresses that the page asked for. */
  readonly requests: string[] = []
  private readonly browser: ChildProcess
  private readonly waiting = new Map<number, (message: Message) => void>()
  private readonly listeners = new Map<string, () => void>()
  private session: string | undefined
  private count = 0

  private constructor(path: string) {
    const profile = mkdtempSync(join(tmpdir(), 'chromium-'))
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
    ]
    this.browser = spawn(path, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    let rest = ''
    const output = this.browser.stdio[4] as Readable
    output.setEncoding('utf8')
    output.on('data', (text: string) => {
      const messages = (rest + text).split('\0')
      rest = messages.pop()!
      for (const message of messages) this.receive(JSON.parse(message))
    })
  }

  /** @param media parameters of `Emulation.setEmulatedMedia` */
  static async open(file: string, width = 1100, media: object = {}): Promise<BrowserPage> {
    const page = new BrowserPage(CHROMIUM!)
    const { targetId } = (await page.send('Target.createTarget', { url: 'about:blank' })) as { targetId: string }
    const attached = (await page.send('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string }
    page.session = attached.sessionId
    for (const domain of ['Page', 'Network', 'Accessibility', 'Runtime']) await page.send(`${domain}.enable`)
    await page.send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false })
    await page.send('Emulation.setEmulatedMedia', media)
    const loaded = new Promise<void>((resolve) => page.listeners.set('Page.loadEventFired', resolve))
    await page.send('Page.navigate', { url: `file://${file}` })
    await loaded
    return page
  }

  send(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.count
    const message = { id, method, params, ...(this.session && { sessionId: this.session }) }
    ;(this.browser.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`)
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result),
      )
    })
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })) as { result: { value: T }; exceptionDetails?: { exception: { description: string } } }
    if (exceptionDetails) throw new Error(exceptionDetails.exception.description)
    return result.value
  }

  async key(name: string): Promise<void> {
    for (const type of ['keyDown', 'keyUp']) await this.send('Input.dispatchKeyEvent', { type, key: name, code: name })
  }

  async screenshot(): Promise<Buffer> {
    const { data } = (await this.send('Page.captureScreenshot', { captureBeyondViewport: true })) as { data: string }
    return Buffer.from(data, 'base64')
  }

  close(): void {
    this.browser.kill('SIGKILL')
  }

  private receive(message: Message): void {
    if (message.id !== undefined) {
      this.waiting.get(message.id)?.(message)
      this.waiting.delete(message.id)
    }
    if (message.method === 'Network.requestWillBeSent') {
      this.requests.push((message.params as { request: { url: string } }).request.url)
    }
    if (message.method !== undefined) this.listeners.get(message.method)?.()
  }
}
