-- Runs a command of the shell, and returns what it prints.
local command = {}

--- Returns the output and the error output, and a last line "exit CODE".
function command.run(line)
   local pipe = assert(io.popen(line .. " 2>&1; echo \"exit $?\""))
   local text = pipe:read "a"
   pipe:close()
   return text
end

--- Returns the lines of the output.
function command.lines(line)
   local list, pipe = {}, assert(io.popen(line))
   for text in pipe:lines() do list[#list + 1] = text end
   pipe:close()
   return list
end

return command
