--- The members of a status record. For Lua 5.4 and LuaJIT: nginx has no topaz.core, whose
-- `core.members` are the same; a spec compares them.
local members = {}

--- In the order in which the emulator writes them.
members.list = {
   "process_id", "source_id", "filename", "input_format", "input_height", "input_width", "output_format",
   "output_height", "output_width", "category", "model_type", "model", "crop_to_fill", "options_json", "status",
   "progress", "eta", "creation_time", "modification_time", "credits",
}

--- Those of them that are integers.
members.integers = {
   "input_height", "input_width", "output_height", "output_width", "progress", "eta", "creation_time",
   "modification_time", "credits",
}

--- Name → true.
members.is_one = {}
for _, name in ipairs(members.list) do members.is_one[name] = true end

return members
