//! Zsh, which puts a space behind a word that it has completed, unless it is told not to.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::env::EnvCompleter;

use super::filled;

const SCRIPT: &str = r#"#compdef BIN
function _remotex() {
    local index=$((CURRENT - 1)) separator=$'\n' found value
    local -a all folders arguments others
    all=("${(@f)$(_CLAP_IFS="$separator" _CLAP_COMPLETE_INDEX="$index" VARIABLE=zsh COMPLETER -- "${words[@]}" 2>/dev/null)}")
    for found in $all; do
        value="${found%%:*}"
        case "$value" in
            */) folders+=("${value%/}${found#$value}") ;;
            *=) arguments+=("$found") ;;
            *) others+=("$found") ;;
        esac
    done
    [[ -n $folders ]] && _describe -V 'values' folders -S '/' -r '/'
    [[ -n $arguments ]] && _describe -V 'values' arguments -S ''
    [[ -n $others ]] && _describe -V 'values' others
    [[ -n $all ]]
}
compdef _remotex BIN
"#;

pub(super) struct Zsh;

impl EnvCompleter for Zsh {
    fn name(&self) -> &'static str {
        "zsh"
    }

    fn is(&self, name: &str) -> bool {
        name == "zsh"
    }

    fn write_registration(
        &self,
        variable: &str,
        _: &str,
        bin: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        out.write_all(filled(SCRIPT, variable, bin, completer)?.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        folder: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        clap_complete::env::Zsh.write_complete(command, words, folder, out)
    }
}
