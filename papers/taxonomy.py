"""arXiv's categories: display names, groups, aliases and closed archives.

A *topic* is a subject by its display name: cs.LG and stat.ML are both "Machine Learning". Six categories are shown and
stored under another code (`math.MP` is `math-ph`), and the archives closed between 1994 and 2000 live on as classes of
today's; `canonical` knows both. `astro-ph`, `cond-mat` and `q-bio` stand without a class on old papers only.
Reference: arXiv's published category taxonomy, 155 active categories and 21 closed archives, as of August 2026.
"""

from __future__ import annotations

_TABLE = {
    "Computer Science": """
        cmp-lg Computation and Language
        cs.AI Artificial Intelligence
        cs.AR Hardware Architecture
        cs.CC Computational Complexity
        cs.CE Computational Engineering, Finance, and Science
        cs.CG Computational Geometry
        cs.CL Computation and Language
        cs.CR Cryptography and Security
        cs.CV Computer Vision and Pattern Recognition
        cs.CY Computers and Society
        cs.DB Databases
        cs.DC Distributed, Parallel, and Cluster Computing
        cs.DL Digital Libraries
        cs.DM Discrete Mathematics
        cs.DS Data Structures and Algorithms
        cs.ET Emerging Technologies
        cs.FL Formal Languages and Automata Theory
        cs.GL General Literature
        cs.GR Graphics
        cs.GT Computer Science and Game Theory
        cs.HC Human-Computer Interaction
        cs.IR Information Retrieval
        cs.IT Information Theory
        cs.LG Machine Learning
        cs.LO Logic in Computer Science
        cs.MA Multiagent Systems
        cs.MM Multimedia
        cs.MS Mathematical Software
        cs.NA Numerical Analysis
        cs.NE Neural and Evolutionary Computing
        cs.NI Networking and Internet Architecture
        cs.OH Other Computer Science
        cs.OS Operating Systems
        cs.PF Performance
        cs.PL Programming Languages
        cs.RO Robotics
        cs.SC Symbolic Computation
        cs.SD Sound
        cs.SE Software Engineering
        cs.SI Social and Information Networks
        cs.SY Systems and Control
    """,
    "Economics": """
        econ.EM Econometrics
        econ.GN General Economics
        econ.TH Theoretical Economics
    """,
    "Electrical Engineering and Systems Science": """
        eess.AS Audio and Speech Processing
        eess.IV Image and Video Processing
        eess.SP Signal Processing
        eess.SY Systems and Control
    """,
    "Mathematics": """
        alg-geom Algebraic Geometry
        dg-ga Differential Geometry
        funct-an Functional Analysis
        math.AC Commutative Algebra
        math.AG Algebraic Geometry
        math.AP Analysis of PDEs
        math.AT Algebraic Topology
        math.CA Classical Analysis and ODEs
        math.CO Combinatorics
        math.CT Category Theory
        math.CV Complex Variables
        math.DG Differential Geometry
        math.DS Dynamical Systems
        math.FA Functional Analysis
        math.GM General Mathematics
        math.GN General Topology
        math.GR Group Theory
        math.GT Geometric Topology
        math.HO History and Overview
        math.IT Information Theory
        math.KT K-Theory and Homology
        math.LO Logic
        math.MG Metric Geometry
        math.MP Mathematical Physics
        math.NA Numerical Analysis
        math.NT Number Theory
        math.OA Operator Algebras
        math.OC Optimization and Control
        math.PR Probability
        math.QA Quantum Algebra
        math.RA Rings and Algebras
        math.RT Representation Theory
        math.SG Symplectic Geometry
        math.SP Spectral Theory
        math.ST Statistics Theory
        q-alg Quantum Algebra and Topology
    """,
    "Physics": """
        acc-phys Accelerator Physics
        adap-org Adaptation, Noise, and Self-Organizing Systems
        ao-sci Atmospheric-Oceanic Sciences
        astro-ph Astrophysics
        astro-ph.CO Cosmology and Nongalactic Astrophysics
        astro-ph.EP Earth and Planetary Astrophysics
        astro-ph.GA Astrophysics of Galaxies
        astro-ph.HE High Energy Astrophysical Phenomena
        astro-ph.IM Instrumentation and Methods for Astrophysics
        astro-ph.SR Solar and Stellar Astrophysics
        atom-ph Atomic, Molecular and Optical Physics
        bayes-an Bayesian Analysis
        chao-dyn Chaotic Dynamics
        chem-ph Chemical Physics
        comp-gas Cellular Automata and Lattice Gases
        cond-mat Condensed Matter
        cond-mat.dis-nn Disordered Systems and Neural Networks
        cond-mat.mes-hall Mesoscale and Nanoscale Physics
        cond-mat.mtrl-sci Materials Science
        cond-mat.other Other Condensed Matter
        cond-mat.quant-gas Quantum Gases
        cond-mat.soft Soft Condensed Matter
        cond-mat.stat-mech Statistical Mechanics
        cond-mat.str-el Strongly Correlated Electrons
        cond-mat.supr-con Superconductivity
        gr-qc General Relativity and Quantum Cosmology
        hep-ex High Energy Physics - Experiment
        hep-lat High Energy Physics - Lattice
        hep-ph High Energy Physics - Phenomenology
        hep-th High Energy Physics - Theory
        math-ph Mathematical Physics
        mtrl-th Materials Theory
        nlin.AO Adaptation and Self-Organizing Systems
        nlin.CD Chaotic Dynamics
        nlin.CG Cellular Automata and Lattice Gases
        nlin.PS Pattern Formation and Solitons
        nlin.SI Exactly Solvable and Integrable Systems
        nucl-ex Nuclear Experiment
        nucl-th Nuclear Theory
        patt-sol Pattern Formation and Solitons
        physics.acc-ph Accelerator Physics
        physics.ao-ph Atmospheric and Oceanic Physics
        physics.app-ph Applied Physics
        physics.atm-clus Atomic and Molecular Clusters
        physics.atom-ph Atomic Physics
        physics.bio-ph Biological Physics
        physics.chem-ph Chemical Physics
        physics.class-ph Classical Physics
        physics.comp-ph Computational Physics
        physics.data-an Data Analysis, Statistics and Probability
        physics.ed-ph Physics Education
        physics.flu-dyn Fluid Dynamics
        physics.gen-ph General Physics
        physics.geo-ph Geophysics
        physics.hist-ph History and Philosophy of Physics
        physics.ins-det Instrumentation and Detectors
        physics.med-ph Medical Physics
        physics.optics Optics
        physics.plasm-ph Plasma Physics
        physics.pop-ph Popular Physics
        physics.soc-ph Physics and Society
        physics.space-ph Space Physics
        plasm-ph Plasma Physics
        quant-ph Quantum Physics
        solv-int Exactly Solvable and Integrable Systems
        supr-con Superconductivity
    """,
    "Quantitative Biology": """
        q-bio Quantitative Biology
        q-bio.BM Biomolecules
        q-bio.CB Cell Behavior
        q-bio.GN Genomics
        q-bio.MN Molecular Networks
        q-bio.NC Neurons and Cognition
        q-bio.OT Other Quantitative Biology
        q-bio.PE Populations and Evolution
        q-bio.QM Quantitative Methods
        q-bio.SC Subcellular Processes
        q-bio.TO Tissues and Organs
    """,
    "Quantitative Finance": """
        q-fin.CP Computational Finance
        q-fin.EC Economics
        q-fin.GN General Finance
        q-fin.MF Mathematical Finance
        q-fin.PM Portfolio Management
        q-fin.PR Pricing of Securities
        q-fin.RM Risk Management
        q-fin.ST Statistical Finance
        q-fin.TR Trading and Market Microstructure
    """,
    "Statistics": """
        stat.AP Applications
        stat.CO Computation
        stat.ME Methodology
        stat.ML Machine Learning
        stat.OT Other Statistics
        stat.TH Statistics Theory
    """,
}

# Left is shown under right. The first six are aliases among active categories, the rest closed archives.
_CANONICAL = {
    "math.MP": "math-ph", "stat.TH": "math.ST", "math.IT": "cs.IT", "q-fin.EC": "econ.GN", "cs.SY": "eess.SY",
    "cs.NA": "math.NA", "acc-phys": "physics.acc-ph", "adap-org": "nlin.AO", "alg-geom": "math.AG",
    "ao-sci": "physics.ao-ph", "atom-ph": "physics.atom-ph", "bayes-an": "physics.data-an", "chao-dyn": "nlin.CD",
    "chem-ph": "physics.chem-ph", "cmp-lg": "cs.CL", "comp-gas": "nlin.CG", "dg-ga": "math.DG", "funct-an": "math.FA",
    "mtrl-th": "cond-mat.mtrl-sci", "patt-sol": "nlin.PS", "plasm-ph": "physics.plasm-ph", "q-alg": "math.QA",
    "solv-int": "nlin.SI", "supr-con": "cond-mat.supr-con",
}  # fmt: skip


def _read() -> tuple[dict[str, str], dict[str, str]]:
    names, groups = {}, {}
    for group_name, table in _TABLE.items():
        for line in table.strip().splitlines():
            code, name = line.split(maxsplit=1)
            names[code], groups[code] = name, group_name
    return names, groups


_NAMES, _GROUP_OF = _read()
# What may stand before the slash of an old identifier: `hep-th/9901001`.
ARCHIVES = frozenset(code.split(".")[0] for code in _NAMES)


def canonical(code: str) -> str:
    """The category that `code` is shown under: "math.MP" → "math-ph"; itself for any other code."""
    return _CANONICAL.get(code, code)


def topic_name(code: str) -> str:
    """The display name: "cs.LG" and "stat.ML" → "Machine Learning"; the code itself where it is unknown."""
    return _NAMES.get(canonical(code), code)


def topic_codes(name: str, group_name: str = "") -> tuple[str, ...]:
    """The one category of that display name (and group); none where several have it, or nobody."""
    found = {canonical(code) for code, known in _NAMES.items() if known == name}
    found = {code for code in found if not group_name or _GROUP_OF[code] == group_name}
    return tuple(found) if len(found) == 1 else ()


def is_category(code: str) -> bool:
    """Whether arXiv uses, or once used, `code`."""
    return code in _NAMES


def group(code: str) -> str:
    """The group that arXiv files `code` under ("cs.LG" → "Computer Science"); "" where it is unknown."""
    return _GROUP_OF.get(code, "")
