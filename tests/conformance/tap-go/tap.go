// SPDX-License-Identifier: Apache-2.0

// Package tap writes the Test Anything Protocol, version 13, to the standard output. The validation programs import a
// package of this name that no release of Debian has; here is what they call of it.
package tap

import (
	"encoding/json"
	"fmt"
	"strings"
)

// T counts the lines of one program. A copy that Todo gives shares the number with the one that it comes from.
type T struct {
	number *int
	todo   bool
}

// New begins at test line 1.
func New() *T {
	return &T{number: new(int)}
}

// Header writes the version, and the plan unless the number of tests (0) is to come from AutoPlan.
func (t *T) Header(tests int) {
	fmt.Println("TAP version 13")
	if tests > 0 {
		fmt.Printf("1..%d\n", tests)
	}
}

// AutoPlan writes the plan behind the last test.
func (t *T) AutoPlan() {
	fmt.Printf("1..%d\n", *t.number)
}

// Ok writes one test line.
func (t *T) Ok(passed bool, description string) {
	verdict, directive := "ok", ""
	if !passed {
		verdict = "not ok"
	}
	if t.todo {
		directive = " # TODO"
	}
	*t.number++
	fmt.Printf("%s %d - %s%s\n", verdict, *t.number, oneLine(description), directive)
}

// Pass writes a test line that says ok.
func (t *T) Pass(description string) {
	t.Ok(true, description)
}

// Fail writes a test line that says not ok.
func (t *T) Fail(description string) {
	t.Ok(false, description)
}

// Skip writes as many test lines that were not tried.
func (t *T) Skip(count int, description string) {
	for ; count > 0; count-- {
		*t.number++
		fmt.Printf("ok %d # SKIP %s\n", *t.number, oneLine(description))
	}
}

// Todo gives a T whose failures are expected.
func (t *T) Todo() *T {
	return &T{number: t.number, todo: true}
}

// Diagnostic writes a remark, each of its lines as a comment.
func (t *T) Diagnostic(message string) {
	for _, line := range strings.Split(strings.TrimRight(message, "\n"), "\n") {
		fmt.Println("# " + line)
	}
}

// Diagnosticf is Diagnostic with a format.
func (t *T) Diagnosticf(format string, values ...interface{}) {
	t.Diagnostic(fmt.Sprintf(format, values...))
}

// YAML writes what belongs to the test line above it. JSON is YAML, too.
func (t *T) YAML(value interface{}) error {
	text, err := json.MarshalIndent(value, "  ", "  ")
	if err != nil {
		return err
	}
	fmt.Printf("  ---\n  %s\n  ...\n", text)
	return nil
}

// A description that has line ends would be taken for test lines; a # would begin a directive.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "#", "\\#")), " ")
}
