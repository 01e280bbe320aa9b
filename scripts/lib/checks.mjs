/** Named checks. All of them run even if some fail, and each prints one line. */
export class Checks {
  passed = 0
  failed = 0
  skipped = 0

  /**
   * @param {string} name what must be true
   * @param {() => unknown} check throws if it is not; a string it returns is printed after the name
   */
  async hold(name, check) {
    try {
      const detail = await check()
      this.passed++
      console.log(`  ok       ${name}${typeof detail === 'string' ? `: ${detail}` : ''}`)
      return true
    } catch (error) {
      this.failed++
      const text = error.code === 'ERR_ASSERTION' || !error.stack ? error.message : error.stack
      console.log(`  FAILED   ${name}\n${text.replace(/^/gm, '           ')}`)
      return false
    }
  }

  /** Prints that something was not checked, and why. */
  skip(name, reason) {
    this.skipped++
    console.log(`  skipped  ${name}: ${reason}`)
  }

  /** Prints the counts and sets the exit code. A run without any check fails. */
  end() {
    console.log(`\n${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`)
    process.exitCode = this.failed > 0 || this.passed === 0 ? 1 : 0
  }
}
