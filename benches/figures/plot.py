def measure(): return []
def draw(*_): pass
