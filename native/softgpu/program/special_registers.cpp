#include "program/special_registers.h"

#include <unordered_map>

namespace softgpu {

bool find_special(const std::string &name, Special &special) {
    static const std::unordered_map<std::string, Special> names = {
        {"%tid.x", Special::tid_x}, {"%tid.y", Special::tid_y}, {"%tid.z", Special::tid_z},
        {"%ntid.x", Special::ntid_x}, {"%ntid.y", Special::ntid_y}, {"%ntid.z", Special::ntid_z},
        {"%ctaid.x", Special::ctaid_x}, {"%ctaid.y", Special::ctaid_y}, {"%ctaid.z", Special::ctaid_z},
        {"%nctaid.x", Special::nctaid_x}, {"%nctaid.y", Special::nctaid_y}, {"%nctaid.z", Special::nctaid_z},
        {"%laneid", Special::laneid}, {"%warpid", Special::warpid}, {"%nwarpid", Special::nwarpid},
        {"%smid", Special::smid}, {"%nsmid", Special::nsmid}, {"%gridid", Special::gridid},
        {"%lanemask_eq", Special::lanemask_eq}, {"%lanemask_le", Special::lanemask_le},
        {"%lanemask_lt", Special::lanemask_lt}, {"%lanemask_ge", Special::lanemask_ge},
        {"%lanemask_gt", Special::lanemask_gt}, {"%dynamic_smem_size", Special::dynamic_smem_size},
        {"%total_smem_size", Special::total_smem_size}, {"%aggr_smem_size", Special::aggr_smem_size},
        {"%envreg1", Special::grid_workspace_high}, {"%envreg2", Special::grid_workspace_low},
        {"%reserved_smem_offset_begin", Special::reserved_begin}, {"%reserved_smem_offset_end", Special::reserved_end},
        {"%reserved_smem_offset_cap", Special::reserved_bytes}, {"%reserved_smem_offset_0", Special::reserved_begin},
        {"%reserved_smem_offset_1", Special::reserved_own},
        {"%clusterid.x", Special::clusterid_x}, {"%clusterid.y", Special::clusterid_y},
        {"%clusterid.z", Special::clusterid_z}, {"%nclusterid.x", Special::nclusterid_x},
        {"%nclusterid.y", Special::nclusterid_y}, {"%nclusterid.z", Special::nclusterid_z},
        {"%cluster_ctaid.x", Special::cluster_ctaid_x}, {"%cluster_ctaid.y", Special::cluster_ctaid_y},
        {"%cluster_ctaid.z", Special::cluster_ctaid_z}, {"%cluster_nctaid.x", Special::cluster_nctaid_x},
        {"%cluster_nctaid.y", Special::cluster_nctaid_y}, {"%cluster_nctaid.z", Special::cluster_nctaid_z},
        {"%cluster_ctarank", Special::cluster_ctarank}, {"%cluster_nctarank", Special::cluster_nctarank},
        {"%is_explicit_cluster", Special::is_explicit_cluster}};
    if (const auto at = names.find(name); at != names.end()) special = at->second;
    else if (name.starts_with("%envreg")) special = Special::zero;
    else return false;
    return true;
}

}  // namespace softgpu
