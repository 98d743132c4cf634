"""Reads test runners' output and prints "PASSED FAILED": the sums of their closing lines."""

import re
import sys

text = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdin.read())
passed = failed = 0
for line in text.splitlines():
    # cargo test
    if match := re.match(r"test result: \w+\. (\d+) passed; (\d+) failed", line):
        passed, failed = passed + int(match[1]), failed + int(match[2])
    # cargo nextest
    elif match := re.match(r"\s*Summary .*?(\d+) tests? run: (\d+) passed(?:.*?(\d+) failed)?(?:.*?(\d+) timed out)?", line):
        passed, failed = passed + int(match[2]), failed + int(match[3] or 0) + int(match[4] or 0)
    # vitest
    elif match := re.match(r"\s*Tests\s+(?:(\d+) failed \| )?(\d+) passed", line):
        passed, failed = passed + int(match[2]), failed + int(match[1] or 0)
    # Playwright
    elif match := re.match(r"\s+(\d+) (passed|failed)\b", line):
        if match[2] == "passed":
            passed += int(match[1])
        else:
            failed += int(match[1])
print(passed, failed)
