-- Lists of names, as the specs of this folder compare them.
local entries = {}

function entries.keys(set)
   local list = {}
   for name in pairs(set) do
      if not tostring(name):find "^__" then list[#list + 1] = name end
   end
   table.sort(list)
   return list
end

function entries.names(list)
   local sorted = {}
   for _, entry in ipairs(list) do sorted[#sorted + 1] = entry.name end
   table.sort(sorted)
   return sorted
end

function entries.find(list, name)
   for _, entry in ipairs(list) do
      if entry.name == name then return entry end
   end
end

return entries
