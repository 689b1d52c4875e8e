module github.com/choirless/render/scripts/bench-mix/native

go 1.26.0
