#include "program/call_graph.h"

#include <functional>

namespace softgpu {

CallGraph::CallGraph(const ptx::Module &module, const std::vector<const ptx::Function *> &sources,
                     const std::unordered_map<std::string, uint32_t> &numbers) {
    const size_t n = sources.size();
    std::set<std::string> common;
    std::set<uint32_t> address_taken;
    for (const ptx::Variable &v : module.variables) {
        if (v.space == ptx::Space::shared && v.bytes > 0) common.insert(v.name);
        for (const ptx::Relocation &r : v.relocations)
            if (const auto at = numbers.find(r.symbol); at != numbers.end()) address_taken.insert(at->second);
    }
    callees.assign(n, {});
    uses_common_shared.assign(n, false);
    std::vector<bool> calls_indirectly(n, false);
    for (uint32_t f = 0; f < n; ++f) {
        std::function<void(const ptx::Operand &, bool)> visit = [&](const ptx::Operand &operand, bool callee) {
            for (const ptx::Operand &part : operand.parts) visit(part, false);
            if (operand.variable >= 0) return;
            if (const auto at = numbers.find(operand.name); at != numbers.end()) {
                if (callee) callees[f].insert(at->second);
                else address_taken.insert(at->second);
            } else if (common.count(operand.name)) {
                uses_common_shared[f] = true;
            }
        };
        for (const ptx::Instruction &in : sources[f]->body) {
            const bool call = in.opcode == "call";
            for (size_t i = 0; i < in.operands.size(); ++i) visit(in.operands[i], call && i == 1);
            if (call && in.operands[1].kind == ptx::Operand::Kind::reg) calls_indirectly[f] = true;
        }
    }
    for (uint32_t f = 0; f < n; ++f)
        if (calls_indirectly[f]) callees[f].insert(address_taken.begin(), address_taken.end());
    reaches.assign(n, std::vector<bool>(n, false));
    for (uint32_t f = 0; f < n; ++f) {
        std::function<void(uint32_t)> visit = [&](uint32_t g) {
            for (uint32_t h : callees[g])
                if (!reaches[f][h]) {
                    reaches[f][h] = true;
                    visit(h);
                }
        };
        visit(f);
        has_calls |= !callees[f].empty();
    }
    const std::vector<bool> themselves = uses_common_shared;
    for (uint32_t f = 0; f < n; ++f)
        for (uint32_t g = 0; g < n; ++g)
            if (reaches[f][g] && themselves[g]) uses_common_shared[f] = true;
}

}  // namespace softgpu
