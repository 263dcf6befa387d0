--- The members of a status record, in the order in which the emulator writes them, and as a set.
-- For Lua 5.4 and LuaJIT.

local members = {
   "process_id", "source_id", "filename", "input_format", "input_height", "input_width", "output_format",
   "output_height", "output_width", "category", "model_type", "model", "crop_to_fill", "options_json", "status",
   "progress", "eta", "creation_time", "modification_time", "credits",
}
for _, name in ipairs(members) do members[name] = true end

return members
