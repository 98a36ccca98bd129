//! Packs the programs of a release page: the same code in fewer bytes once compressed.
//!
//! A function that equals another one is left out, similar ones become neighbours, and the functions that the script
//! gives to the program get short names. Not here: the compression itself (`compress`).

use std::{
    collections::HashMap,
    convert::Infallible,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
};

use anyhow::{Context as _, ensure};
use wasm_encoder::{
    CodeSection, FunctionSection, ImportSection, Module,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{
    CodeSectionReader, CustomSectionReader, FunctionBody, FunctionSectionReader, Import, Imports, Parser, Payload,
    TypeRef,
};

mod equals;
mod similar;

/// Packs a program, and the script beside it if it has one.
///
/// # Errors
/// The program cannot be read, or its script is not of the expected form.
pub(crate) fn pack(wasm: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(wasm)?;
    let program = Program::read(&bytes)?;
    let script = wasm.with_extension("js");
    let names = if script.is_file() {
        let text = fs::read_to_string(&script)?;
        let names = Names::new(&program.imports, &text)?;
        fs::write(&script, without_comments(&names.in_script(&text)?))?;
        names
    } else {
        Names::default()
    };
    fs::write(wasm, packed(&program, &bytes, &names)?)?;
    Ok(())
}

/// A program's functions.
struct Program<'a> {
    /// Module and name of each imported function.
    imports: Vec<(&'a str, &'a str)>,
    /// The type of each function of its own.
    types: Vec<u32>,
    /// The code of each function of its own.
    bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Program<'a> {
    fn read(wasm: &'a [u8]) -> anyhow::Result<Self> {
        let (mut imports, mut types, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        for part in Parser::new(0).parse_all(wasm) {
            match part? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let Import { module, name, ty } = import?;
                        if matches!(ty, TypeRef::Func(_)) {
                            imports.push((module, name));
                        }
                    }
                }
                Payload::FunctionSection(section) => types = section.into_iter().collect::<Result<_, _>>()?,
                Payload::CodeSectionEntry(body) => bodies.push(body),
                _ => {}
            }
        }
        Ok(Self { imports, types, bodies })
    }
}

/// Short names for the functions that wasm-bindgen's script gives to the program. Its own end with a hash, which no
/// compression shortens.
#[derive(Debug, Default)]
struct Names {
    /// Short by long.
    functions: HashMap<String, String>,
    /// Long and short name of the module that holds them. The short one identifies the functions: a script of another
    /// build must be refused, as with the long names, and not give wrong functions.
    module: (String, String),
}

impl Names {
    fn new(imports: &[(&str, &str)], script: &str) -> anyhow::Result<Self> {
        let mut names = Self::default();
        let mut hasher = DefaultHasher::new();
        for (module, name) in imports.iter().filter(|(module, _)| module.ends_with("_bg.js")) {
            ensure!(script.matches(&key(name)).count() == 1, "wasm-bindgen's script does not give {name} once");
            let short = format!("i{}", names.functions.len());
            names.functions.insert((*name).to_owned(), short);
            name.hash(&mut hasher);
            names.module.0 = (*module).to_owned();
        }
        names.module.1 = format!("{:016x}", hasher.finish());
        Ok(names)
    }

    fn in_script(&self, script: &str) -> anyhow::Result<String> {
        let (long, short) = &self.module;
        let (long, short) = (format!("\"{long}\": "), format!("\"{short}\": "));
        ensure!(script.matches(&long).count() == 1, "wasm-bindgen's script does not name {long} once");
        let script = script.replace(&long, &short);
        Ok(self.functions.iter().fold(script, |script, (long, short)| script.replace(&key(long), &key(short))))
    }

    fn in_program<'a>(&'a self, import: Import<'a>) -> Import<'a> {
        match self.functions.get(import.name) {
            Some(name) if import.module == self.module.0 => Import { module: &self.module.1, name, ..import },
            _ => import,
        }
    }
}

/// Returns how the script writes a function of that name in an object.
fn key(name: &str) -> String {
    format!("\n        {name}: ")
}

/// Returns wasm-bindgen's script without its comments and the space before its lines, which mean nothing in it.
fn without_comments(script: &str) -> String {
    let lines = script.lines().map(str::trim_start);
    let code = lines.filter(|line| !line.is_empty() && !["/*", "*", "//"].iter().any(|mark| line.starts_with(mark)));
    code.flat_map(|line| [line, "\n"]).collect()
}

/// Returns the packed program.
fn packed(program: &Program<'_>, wasm: &[u8], names: &Names) -> anyhow::Result<Vec<u8>> {
    let n_imported = u32::try_from(program.imports.len())?;
    let (stands_for, code) = equals::find(&program.types, &program.bodies, n_imported)?;
    let kept: Vec<usize> = (0..code.len()).filter(|idx| stands_for[*idx] == *idx).collect();
    let bodies: Vec<&[u8]> = kept.iter().map(|idx| code[*idx].as_slice()).collect();
    let order: Vec<usize> = similar::chain(&bodies).into_iter().map(|place| kept[place]).collect();
    let mut places = vec![0; code.len()];
    for (place, idx) in order.iter().enumerate() {
        places[*idx] = u32::try_from(place)?;
    }
    let places = stands_for.iter().map(|idx| places[*idx]).collect();
    let mut module = Module::new();
    let mut writer = Writer { n_imported, places, order: &order, names };
    writer.parse_core_module(&mut module, Parser::new(0), wasm).context("rewrite a program")?;
    Ok(module.finish())
}

/// Writes the program again.
struct Writer<'a> {
    n_imported: u32,
    /// The new place of each function.
    places: Vec<u32>,
    /// The functions to write.
    order: &'a [usize],
    names: &'a Names,
}

impl Reencode for Writer<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        Ok(match function.checked_sub(self.n_imported) {
            Some(own) => self.n_imported + self.places[own as usize],
            None => function,
        })
    }

    fn parse_imports(&mut self, section: &mut ImportSection, imports: Imports<'_>) -> Result<(), Error> {
        let names = self.names;
        let imports = match imports {
            Imports::Single(position, import) => Imports::Single(position, names.in_program(import)),
            imports => imports,
        };
        utils::parse_imports(self, section, imports)
    }

    fn parse_function_section(
        &mut self,
        section: &mut FunctionSection,
        reader: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        let types = reader.into_iter().collect::<Result<Vec<u32>, _>>()?;
        for idx in self.order {
            section.function(self.type_index(types[*idx])?);
        }
        Ok(())
    }

    fn parse_code_section(&mut self, section: &mut CodeSection, reader: CodeSectionReader<'_>) -> Result<(), Error> {
        let bodies = reader.into_iter().collect::<Result<Vec<FunctionBody<'_>>, _>>()?;
        for idx in self.order {
            self.parse_function_body(section, bodies[*idx].clone())?;
        }
        Ok(())
    }

    /// No browser reads them.
    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{EntityType, ExportKind, ExportSection, Function, TypeSection, ValType};

    use super::*;

    /// Returns a program with one imported function and seven of its own: two that call it, two that call one of these
    /// each, two that call themselves, and one of another type that calls the imported one; the last five are exported as
    /// `a` to `e`.
    fn program() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([ValType::I32], []);
        let mut imports = ImportSection::new();
        imports.import("./page_bg.js", "__wbg_log_0123456789abcdef", EntityType::Function(0));
        let (mut functions, mut exports, mut code) = (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        for (idx, callee) in [0, 0, 1, 2, 5, 6, 0].into_iter().enumerate() {
            functions.function(u32::from(idx == 6));
            let mut function = Function::new([]);
            function.instructions().call(callee).end();
            code.function(&function);
            if let Some(place) = idx.checked_sub(2) {
                exports.export(["a", "b", "c", "d", "e"][place], ExportKind::Func, u32::try_from(idx).unwrap() + 1);
            }
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
        module.finish()
    }

    const SCRIPT: &str = r#"
/**
 * Words.
 */
function imports() {
    const import0 = {
        __proto__: null,
        __wbg_log_0123456789abcdef: function() { log(" // kept"); },
    };
    return {
        "./page_bg.js": import0,
    };
}
"#;

    #[test]
    fn equal_functions_are_written_once_and_their_callers_find_them() {
        let bytes = program();
        let packed = packed(&Program::read(&bytes).unwrap(), &bytes, &Names::default()).unwrap();
        let program = Program::read(&packed).unwrap();
        // Those that call themselves both stay: each calls another function. So does the one of another type.
        assert_eq!((program.imports.len(), program.types.len(), program.bodies.len()), (1, 5, 5));
        let callee = |function: u32| {
            let body = &program.bodies[usize::try_from(function - 1).unwrap()];
            match body.get_operators_reader().unwrap().read().unwrap() {
                wasmparser::Operator::Call { function_index } => function_index,
                other => panic!("{other:?}"),
            }
        };
        let mut exports = Vec::new();
        for part in Parser::new(0).parse_all(&packed) {
            if let Payload::ExportSection(section) = part.unwrap() {
                exports = section.into_iter().map(|export| export.unwrap().index).collect();
            }
        }
        let [a, b, c, d, e] = exports[..] else { panic!("{exports:?}") };
        assert_eq!((a, callee(callee(a))), (b, 0));
        assert_eq!((callee(c), callee(d), callee(e)), (c, d, 0));
        let type_of = |function: u32| program.types[usize::try_from(function - 1).unwrap()];
        assert_eq!([a, callee(a), c, d, e].map(type_of), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn program_and_script_agree_on_short_names() {
        let bytes = program();
        let program = Program::read(&bytes).unwrap();
        let names = Names::new(&program.imports, SCRIPT).unwrap();
        let packed = packed(&program, &bytes, &names).unwrap();
        let [(module, name)] = Program::read(&packed).unwrap().imports[..] else { panic!("one import") };
        let script = without_comments(&names.in_script(SCRIPT).unwrap());
        assert!(script.contains(&format!("\n{name}: function() {{ log(\" // kept\"); }},\n")), "{script}");
        assert!(script.contains(&format!("\n\"{module}\": import0,\n")), "{script}");
        assert!(script.starts_with("function imports() {\n"), "{script}");
        assert!(name.len() < 4 && module.len() == 16, "{module} {name}");
        let other = [("./page_bg.js", "__wbg_log_0123456789abcdee")];
        assert!(Names::new(&other, SCRIPT).is_err(), "the script has no such function");
        let other = Names::new(&other, &SCRIPT.replace("cdef", "cdee")).unwrap();
        assert_ne!(other.module.1, module, "a script of another build does not fit");
    }
}
