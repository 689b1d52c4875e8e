package servers

import (
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
)

// Fauxqs returns fauxqs, with its log in a folder, and its address. What is in its
// queues, and the queues themselves, end with its process.
func Fauxqs(dir string) (Server, string, error) {
	script, err := installed("fauxqs/serve.mjs")
	if err != nil {
		return Server{}, "", err
	}
	if _, err := installed("fauxqs/node_modules/fauxqs"); err != nil {
		return Server{}, "", err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return Server{}, "", &Missing{"node", "install Node.js 20 or newer"}
	}
	address, err := FreeAddress()
	if err != nil {
		return Server{}, "", err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return Server{}, "", err
	}
	url := "http://" + address
	return Server{
		Name: "fauxqs", Path: node, Args: []string{script, port}, Dir: dir, Log: filepath.Join(dir, "fauxqs.log"),
		Ready: answers(url+"/health", http.StatusOK, http.StatusNotFound), // it answers at all
	}, url, nil
}
