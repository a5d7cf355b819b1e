module github.com/goqat/goqat/internal/_asm

go 1.26.0
