-- Writes spec/integration/faults.md, the fault table for readers:
-- lua5.4 spec/support/fault_page.lua
local HEAD = [[
# What each fault does to each operation

Made by `lua5.4 spec/support/fault_page.lua` from [fault_table.lua](fault_table.lua), which the tests run cell by cell.
In a cell: what the call returns, and how many requests the server saw; the client was told to retry twice at most.
`ok`: success. `gone`: `true, "already_gone"`. `count_unknown`: `true, "count_unknown"`.
Others are `err.kind`; `/unsent` and `/unknown` are `err.outcome`.
`A | B`: versions of libcurl differ. `–`: has no meaning there. In brackets: how often the proxy was asked.
]]
local NAMES = { "get", "page", "list", "delete", "all" }
local TITLES = { "`get_status`", "`get_page`", "`statuses`", "`delete_status`", "`delete_all_statuses`" }

local function line(cells) return "| " .. table.concat(cells, " | ") .. " |" end

local function page()
   local lines = { HEAD }
   for _, section in ipairs(require "spec.integration.fault_table") do
      lines[#lines + 1] = ("## %s\n"):format(section.title)
      lines[#lines + 1] = line { "", table.unpack(TITLES) }
      lines[#lines + 1] = line { "---", "---", "---", "---", "---", "---" }
      for _, row in ipairs(section) do
         local cells = { row.name }
         for _, name in ipairs(NAMES) do cells[#cells + 1] = (row.cells[name] or "–"):gsub("|", "\\|") end
         lines[#lines + 1] = line(cells)
      end
      lines[#lines + 1] = ""
   end
   return table.concat(lines, "\n")
end

if arg and arg[0]:find "fault_page" then
   local file = assert(io.open("spec/integration/faults.md", "w"))
   file:write(page())
   file:close()
end
return page
