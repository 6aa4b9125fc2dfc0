//go:build tools

// Package tools pins etcd for the test bed; nothing imports it.
package tools

import _ "go.etcd.io/etcd/server/v3"
