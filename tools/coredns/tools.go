//go:build tools

// Package tools pins coredns for the test bed; nothing imports it.
package tools

import _ "github.com/coredns/coredns"
