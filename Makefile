# Choirless Render. `make help` lists the targets.

SHELL := /bin/bash
GO    ?= go

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what Debian 12 lacks; silent when all is there
	@scripts/setup

.PHONY: build
build: setup ## choirless, coordinator and render-node in bin/
	@mkdir -p bin
	$(GO) build -trimpath -o bin/ ./cmd/choirless ./cmd/coordinator ./cmd/render-node

.PHONY: render-local
render-local: setup ## bin/render-local: shaders and mix while you type
	@mkdir -p bin
	$(GO) build -trimpath -o bin/ ./scripts/render-local

.PHONY: demo
demo: build ## make a nine-part song, render it, say where the video is
	@scripts/demo

.PHONY: servers
servers: ## MinIO, versitygw and fauxqs into .prefix, for tests and the local cluster
	@scripts/servers

.PHONY: cluster
cluster: build servers ## the whole service over real servers on this machine, until Ctrl-C
	@$(GO) build -o bin/ ./scripts/cluster ./scripts/choirgen
	@[ -e demo/song/truth.json ] || { rm -rf demo/song && mkdir -p demo/song && bin/choirgen --out demo/song --parts 9; }
	@exec bin/cluster $(CLUSTER)

.PHONY: test-cluster
test-cluster: build servers ## the integration tests over those servers
	CHOIR_REQUIRE_SERVERS=1 $(GO) test -count=1 -timeout 10m ./internal/cluster

.PHONY: load
load: setup servers ## LOAD_SONGS=1000 songs of LOAD_PARTS=9 parts announced at once: figures of the coordinator
	CHOIR_REQUIRE_SERVERS=1 LOAD_SONGS=$(or $(LOAD_SONGS),1000) LOAD_PARTS=$(or $(LOAD_PARTS),9) $(GO) test -count=1 -timeout 60m -v -run '^TestLoad$$' ./internal/load

.PHONY: chaos
chaos: setup servers ## CHAOS_SCHEDULES=200 songs while all around is killed, drawn from CHAOS_SEED=1
	CHOIR_REQUIRE_SERVERS=1 CHAOS_SCHEDULES=$(or $(CHAOS_SCHEDULES),200) CHAOS_SEED=$(or $(CHAOS_SEED),1) $(GO) test -count=1 -timeout 120m -v -run '^TestChaos$$/^schedules$$' ./internal/chaos

.PHONY: chaos-steps
chaos-steps: setup servers ## coordinator and node killed at every step of a song; S3 away for half a minute
	CHOIR_REQUIRE_SERVERS=1 CHAOS_EVERY=1 $(GO) test -count=1 -timeout 120m -v -run '^TestChaos$$/^steps$$' ./internal/chaos

.PHONY: test
test: setup ## every test, and the linters
	@scripts/test

.PHONY: test-matrix
test-matrix: setup ## 1 to 144 parts on three canvases, every plan to its final video
	set -o pipefail; CHOIR_COUNTS=144 $(GO) test -count=1 -timeout 60m -v -run '^TestEveryCount$$' ./coordinator | grep --line-buffered -v level=

.PHONY: lint
lint: ## gofumpt, go vet, staticcheck
	@scripts/lint

.PHONY: lint-deploy
lint-deploy: ## cfn-lint on the template (pip install cfn-lint); minutes
	cfn-lint deploy/cloudformation.yaml

.PHONY: check
check: lint test ## lint and test

.PHONY: golden
golden: ## rewrite the golden pictures and plans (look at the diff!)
	$(GO) test ./engine ./plan -update

.PHONY: bench
bench: build ## whole songs: ours, one ffmpeg command, the original's chain (BENCH="--cases 9 --repeat 1 --song DIR")
	$(GO) run ./scripts/bench $(BENCH)

.PHONY: bench-compose
bench-compose: ## the compositor alone; bin/bench-compose can be carried to a GPU machine
	@mkdir -p bin
	$(GO) build -trimpath -tags egl -ldflags "-X main.commit=$$(git describe --always --dirty)" -o bin/ ./scripts/bench-compose
	bin/bench-compose

.PHONY: bench-scaling
bench-scaling: build servers ## one render node and two, each on a core of its own
	@$(GO) build -o bin/ ./scripts/choirgen
	@[ -e demo/song/truth.json ] || { rm -rf demo/song && mkdir -p demo/song && bin/choirgen --out demo/song --parts 9; }
	$(GO) run ./scripts/bench-scaling

.PHONY: bench-mix
bench-mix: ## the mix beside ffmpeg's filters
	$(GO) run ./scripts/bench-mix

.PHONY: bench-align
bench-align: ## alignment figures over CHOIRS="31 32 33" of choirgen and MANIFEST=path/manifest.json
	$(GO) run ./scripts/bench-align -choirs "$(or $(CHOIRS),31 32 33)" $(MANIFEST)

.PHONY: bench-stitch
bench-stitch: build ## joining, reuse, checks and bits on songs of 9, 16 and 36 parts; SONG=folder
	$(GO) build -trimpath -o bin/ ./scripts/bench-stitch
	for n in 9 16 36; do bin/bench-stitch --song $(or $(SONG),demo/song) --cases $$n || exit; done

.PHONY: soak-local
soak-local: render-local ## render-local for MINUTES=30 on a screen of its own: does it grow?
	$(GO) run ./scripts/render-local/soak --minutes $(or $(MINUTES),30)

.PHONY: clean
clean: ## remove what was built here (bin, demo song, .prefix)
	rm -rf bin demo .prefix
