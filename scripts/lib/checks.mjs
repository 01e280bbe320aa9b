/** Checks with a name each: all are made, whatever fails, and each is a line of output. */
export class Checks {
  passed = 0
  failed = 0
  skipped = 0

  /**
   * @param {string} name what holds
   * @param {() => unknown} check throws where it does not; a text that it returns is printed behind the name
   */
  async hold(name, check) {
    try {
      const found = await check()
      this.passed++
      console.log(`  ok       ${name}${typeof found === 'string' ? `: ${found}` : ''}`)
      return true
    } catch (error) {
      this.failed++
      const text = error.code === 'ERR_ASSERTION' || !error.stack ? error.message : error.stack
      console.log(`  FAILED   ${name}\n${text.replace(/^/gm, '           ')}`)
      return false
    }
  }

  /** Says that something was not checked, and why. */
  skip(name, reason) {
    this.skipped++
    console.log(`  skipped  ${name}: ${reason}`)
  }

  /** Prints the counts and ends the process by them. A run without a check fails. */
  end() {
    console.log(`\n${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`)
    process.exitCode = this.failed > 0 || this.passed === 0 ? 1 : 0
  }
}
