#include "ptx/parser.h"

#include <algorithm>
#include <unordered_map>

#include "ptx/body.h"
#include "ptx/constant.h"
#include "ptx/lexer.h"
#include "ptx/register_parameters.h"
#include "ptx/variable.h"

namespace softgpu::ptx {

namespace {

constexpr int OLDEST = 60, NEWEST = 91;     // .version, times ten
constexpr uint64_t MAX_FILES = 1 << 16;
constexpr uint64_t MAX_COUNT = ~uint32_t{0};

// Directives between the head of a function and its body: the count of their numbers, and where they are stored.
struct Directive {
    std::string_view name;
    int least, most;
    uint32_t *(*place)(Function &);
};

uint32_t *nowhere(Function &) { return nullptr; }

constexpr Directive DIRECTIVES[] = {
    {".maxntid", 1, 3, [](Function &f) { return f.max_threads; }},
    {".reqntid", 1, 3, [](Function &f) { return f.required_threads; }},
    {".minnctapersm", 1, 1, [](Function &f) { return &f.min_blocks; }},
    {".maxnreg", 1, 1, [](Function &f) { return &f.max_registers; }},
    {".maxnctapersm", 1, 1, nowhere},
    {".maxclusterrank", 1, 1, nowhere},
    {".reqnctapercluster", 1, 3, [](Function &f) { return f.cluster; }},
    {".explicitcluster", 0, 0, nowhere},
    {".abi_preserve", 1, 1, nowhere},
    {".abi_preserve_control", 1, 1, nowhere},
    {".noreturn", 0, 0, nowhere},
};

bool same_parameters(const std::vector<Variable> &a, const std::vector<Variable> &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Variable &x, const Variable &y) {
        return x.space == y.space && x.bytes == y.bytes && x.align == y.align;
    });
}

class ModuleParser {
public:
    explicit ModuleParser(std::string_view text) : tokens(text) {
        for (size_t at = 0; at < text.size();) {
            const size_t end = std::min(text.find('\n', at), text.size());
            std::string_view line = text.substr(at, end - at);
            if (line.ends_with('\r')) line.remove_suffix(1);
            module.text.emplace_back(line);
            at = end + 1;
        }
    }

    Module run() {
        header();
        while (!tokens.at(Token::Kind::end)) definition();
        resolve();
        return std::move(module);
    }

private:
    void header() {
        tokens.expect(".version");
        const Token &version = tokens.peek();
        const std::string_view number = tokens.expect(Token::Kind::number, "a version number");
        if (number.size() != 3 || number[1] != '.') throw Error(version.line, "expected a version such as 8.0");
        module.version_major = number[0] - '0';
        module.version_minor = number[2] - '0';
        const int both = module.version_major * 10 + module.version_minor;
        if (both < OLDEST || both > NEWEST)
            throw Error(version.line, "PTX version " + std::string(number) + " is not supported, only 6.0 to 9.1 are");

        tokens.expect(".target");
        module.target = tokens.expect(Token::Kind::identifier, "a target");
        if (!module.target.starts_with("sm_"))
            throw Error(version.line, "target '" + module.target + "' is not supported");
        while (tokens.accept(",")) tokens.expect(Token::Kind::identifier, "an option of the target");

        const uint32_t line = tokens.line();
        if (tokens.accept(".address_size"))
            module.address_bits = static_cast<int>(count(tokens, "the size of an address", 64));
        if (module.address_bits != 64) throw Error(line, "only addresses of 64 bits are supported");
        module.files.emplace_back();
        module.inlined_calls.emplace_back();
    }

    void definition() {
        if (tokens.accept(".file")) return file();
        if (tokens.accept(".section")) return skip_section();
        if (tokens.accept(".pragma")) {
            tokens.expect(Token::Kind::string, "a string");
            return tokens.expect(";");
        }
        const bool is_extern = tokens.accept(".extern");
        if (!is_extern)
            for (std::string_view linkage : {".visible", ".weak", ".common"})
                if (tokens.accept(linkage)) break;

        const bool is_entry = tokens.accept(".entry");
        if (is_entry || tokens.accept(".func")) return function(is_entry, is_extern);
        Space space;
        if (tokens.at(".local") || tokens.at(".param") || !accept_space(tokens, space))
            tokens.fail("a function or a variable of the module");
        for (Variable &v : variables(tokens, space, is_extern)) add(std::move(v));
    }

    // .file 1 "path", timestamp, size
    void file() {
        const uint64_t index = count(tokens, "a file number", MAX_FILES);
        if (!tokens.at(Token::Kind::string)) tokens.fail("the path of a file");
        const std::string_view path = tokens.next().text;
        if (module.files.size() <= index) module.files.resize(index + 1);
        if (index != 0) module.files[index] = path.substr(1, path.size() - 2);
        while (tokens.accept(",")) count(tokens, "a time or a size", ~uint64_t{0});
    }

    // Debug information, which has no effect on execution.
    void skip_section() {
        tokens.next();
        tokens.expect("{");
        for (int depth = 1; depth > 0; tokens.next()) {
            if (tokens.at(Token::Kind::end)) tokens.fail("'}'");
            depth += tokens.at("{") - tokens.at("}");
        }
    }

    void add(Variable &&v) {
        for (const Relocation &r : v.relocations) references.insert({r.symbol, false, v.line});
        if (function_of.contains(v.name)) throw Error(v.line, "'" + v.name + "' is declared twice");
        const auto [at, fresh] = variable_of.try_emplace(v.name, module.variables.size());
        if (fresh) {
            module.variables.push_back(std::move(v));
            return;
        }
        Variable &known = module.variables[at->second];
        if (!known.is_extern && !v.is_extern) throw Error(v.line, "'" + v.name + "' is declared twice");
        if (known.is_extern) known = std::move(v);
    }

    void function(bool is_entry, bool is_extern) {
        Function f;
        f.is_entry = is_entry;
        skip_attribute(tokens);
        if (!is_entry && tokens.at("(")) f.results = parameters(tokens);
        f.line = tokens.line();
        f.name = tokens.expect(Token::Kind::identifier, "the name of a function");
        if (tokens.at("(")) f.parameters = parameters(tokens);
        directives(f);
        f.is_extern = !tokens.at("{");
        if (f.is_extern)
            tokens.expect(";");
        else if (is_extern)
            tokens.fail("';' (an .extern function has no body)");

        // Declared before its body is read, which may call it recursively.
        if (variable_of.contains(f.name)) throw Error(f.line, "'" + f.name + "' is declared twice");
        const auto [at, fresh] = function_of.try_emplace(f.name, module.functions.size());
        if (fresh) {
            module.functions.emplace_back();
        } else {
            const Function &known = module.functions[at->second];
            if (!known.is_extern && !f.is_extern) throw Error(f.line, "function '" + f.name + "' is defined twice");
            if (known.is_entry != f.is_entry || !same_parameters(known.results, f.results) ||
                !same_parameters(known.parameters, f.parameters))
                throw Error(f.line, "'" + f.name + "' is declared differently in line " + std::to_string(known.line));
        }
        if (!f.is_extern) body(tokens, f, references, module.inlined_calls);
        for (Variable &v : f.globals) add(std::move(v));
        f.globals.clear();
        if (fresh || !f.is_extern) module.functions[at->second] = std::move(f);
    }

    void directives(Function &f) {
        for (;;) {
            if (tokens.accept(".pragma")) {
                tokens.expect(Token::Kind::string, "a string");
                tokens.expect(";");
                continue;
            }
            const auto *directive = std::find_if(std::begin(DIRECTIVES), std::end(DIRECTIVES),
                                                 [&](const Directive &d) { return tokens.at(d.name); });
            if (directive == std::end(DIRECTIVES)) return;
            tokens.next();
            uint32_t numbers[3] = {1, 1, 1};
            for (int i = 0; i < directive->least || (i > 0 && i < directive->most && tokens.accept(",")); ++i)
                numbers[i] = static_cast<uint32_t>(count(tokens, "a number", MAX_COUNT));
            if (uint32_t *place = directive->place(f)) std::copy(numbers, numbers + directive->most, place);
        }
    }

    // Names used in a body can be defined after it.
    void resolve() {
        for (const Reference &r : references)
            if (!function_of.contains(r.name) && (r.is_callee || !variable_of.contains(r.name)))
                throw Error(r.line, (r.is_callee ? "function '" : "'") + r.name + "' is not declared");
        auto known = [this](SourceLine &place) {
            if (place.file >= module.files.size()) place.file = 0;
        };
        for (Function &f : module.functions)
            for (Instruction &in : f.body) known(in.source);
        for (SourceLine &call : module.inlined_calls) known(call);
        lower_register_parameters(module);
    }

    Tokens tokens;
    Module module;
    std::unordered_map<std::string, size_t> variable_of, function_of;   // indices by name
    std::set<Reference> references;
};

}  // namespace

Module parse(std::string_view text) {
    while (text.ends_with('\0')) text.remove_suffix(1);
    return ModuleParser(text).run();
}

}  // namespace softgpu::ptx
