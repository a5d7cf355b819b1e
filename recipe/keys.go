// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"

	"github.com/goqat/goqat/qat/settings"
)

// A Key is a value of a recipe as people are told of it.
type Key struct {
	Path    string `json:"key"`     // as in "qat.lr"; of a list's elements, "qat.layers[].match"
	Default string `json:"default"` // as in a file, "" for none
	Comment string `json:"comment"` // what it means; of a key that holds others, what these are
	Group   bool   `json:"group"`   // it holds other keys
}

//go:embed recipe.go model.go
var sources embed.FS

// Keys returns every key of a recipe in the order of a file, explained by the comments of
// the source, which are embedded.
func Keys() []Key {
	k := keyList{comments: map[string]string{}}
	for _, file := range []string{"recipe.go", "model.go"} {
		text, err := sources.ReadFile(file)
		if err != nil {
			panic(err) // it is embedded
		}
		k.read(string(text))
	}
	k.read(settings.Source)
	k.list(reflect.TypeFor[Recipe](), "", Default().values())
	return k.keys
}

// keyList collects keys.
type keyList struct {
	comments map[string]string // by type, or type and field
	keys     []Key
}

// read takes in the comments of a file.
func (k *keyList) read(source string) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ParseComments)
	if err != nil {
		panic(fmt.Sprintf("recipe: its own source does not parse: %v", err))
	}
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, s := range decl.Specs {
			spec := s.(*ast.TypeSpec)
			k.comments[spec.Name.Name] = sentence(decl.Doc)
			if t, ok := spec.Type.(*ast.StructType); ok {
				k.fields(spec.Name.Name, t)
			}
		}
	}
}

func (k *keyList) fields(name string, t *ast.StructType) {
	for _, f := range t.Fields.List {
		comment := sentence(f.Comment)
		if comment == "" {
			comment = sentence(f.Doc)
		}
		for _, field := range f.Names {
			k.comments[name+"."+field.Name] = comment
		}
	}
}

// sentence is a comment on one line.
func sentence(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// list adds the keys of a struct type, whose defaults are given.
func (k *keyList) list(t reflect.Type, path string, defaults map[string]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			k.list(f.Type, path, defaults)
			continue
		}
		key := tag(f)
		if key == "" {
			continue
		}
		at, value := join(path, key), defaults[key]
		comment := k.comments[t.Name()+"."+f.Name]
		inner, below := f.Type, at
		if inner.Kind() == reflect.Slice {
			inner, below = inner.Elem(), at+"[]"
		}
		_, whole := reflect.New(inner).Interface().(reader)
		if group := inner.Kind() == reflect.Struct && !whole; !group {
			k.keys = append(k.keys, Key{Path: at, Default: defaultText(value), Comment: comment})
			continue
		}
		if comment == "" {
			comment = k.comments[inner.Name()]
		}
		k.keys = append(k.keys, Key{Path: at, Comment: comment, Group: true})
		if inner == t { // layers within layers
			continue
		}
		values, _ := value.(map[string]any)
		k.list(inner, below, values)
	}
}

// defaultText writes a default value as in a file, "" for none.
func defaultText(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
